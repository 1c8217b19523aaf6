"""Routes under ``/ocpp/`` that read what exists."""

from django.urls import path

from . import views

urlpatterns = [
    path("catalog/brands", views.BrandListView.as_view()),
    path("catalog/brands/<slug:brand_slug>/models", views.ModelListView.as_view()),
    path(
        "catalog/brands/<slug:brand_slug>/models/<slug:model_slug>",
        views.ModelView.as_view(),
    ),
    path("locations", views.LocationListView.as_view()),
    path("locations/<slug:location_id>", views.LocationView.as_view()),
    path(
        "locations/<slug:location_id>/chargers", views.LocationChargerListView.as_view()
    ),
    path("chargers", views.ChargerListView.as_view()),
    path("chargers/<slug:charger_id>", views.ChargerView.as_view()),
    path("chargers/<slug:charger_id>/status", views.ChargerStatusView.as_view()),
    path("chargers/<slug:charger_id>/logs", views.MessageListView.as_view()),
]
