"""Routes under ``/catalog/`` to the pictures that the catalog's rows name."""

from django.urls import path

from . import catalog

urlpatterns = [
    path("<slug:brand_slug>.svg", catalog.brand_image, name="brand-image"),
    path(
        "<slug:brand_slug>/<slug:model_slug>.svg",
        catalog.model_image,
        name="model-image",
    ),
]
