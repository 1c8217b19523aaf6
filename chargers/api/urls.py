"""Routes under ``/ocpp/`` to locations, chargers and the catalog."""

from django.urls import path

from . import (
    catalog,
    chargers,
    device_model,
    location_chargers,
    locations,
    requests,
)

urlpatterns = [
    path("catalog/brands", catalog.BrandListView.as_view()),
    path("catalog/brands/<slug:brand_slug>/models", catalog.ModelListView.as_view()),
    path(
        "catalog/brands/<slug:brand_slug>/models/<slug:model_slug>",
        catalog.ModelView.as_view(),
    ),
    path("templates/locations", locations.LocationTemplateListView.as_view()),
    path("locations", locations.LocationListView.as_view()),
    path("locations/<slug:location_id>", locations.LocationView.as_view()),
    path(
        "locations/<slug:location_id>/chargers",
        location_chargers.LocationChargerListView.as_view(),
    ),
    path(
        "locations/<slug:location_id>/chargers/jobs/<slug:job_id>",
        location_chargers.JobView.as_view(),
        name="location-charger-job",
    ),
    path("chargers", chargers.ChargerListView.as_view()),
    path("chargers/<slug:charger_id>", chargers.ChargerView.as_view()),
    path(
        "chargers/<slug:charger_id>/status",
        chargers.ChargerStatusView.as_view(),
        name="charger-status",
    ),
    path("chargers/<slug:charger_id>/start-charger", chargers.StartView.as_view()),
    path("chargers/<slug:charger_id>/stop-charger", chargers.StopView.as_view()),
    path("chargers/<slug:charger_id>/reset-charger", chargers.ResetView.as_view()),
    path("chargers/<slug:charger_id>/logs", chargers.MessageListView.as_view()),
    path(
        "chargers/<slug:charger_id>/variables",
        device_model.VariableListView.as_view(),
    ),
    path("chargers/<slug:charger_id>/requests", requests.OperatorRequestView.as_view()),
]
