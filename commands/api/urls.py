"""Routes under ``/ocpp/``: a command each, and how commands ended."""

from django.urls import path

from commands.registry import DEFINITIONS

from . import views

urlpatterns = [
    *(
        path(f"commands/{definition.slug}", views.view_of(definition).as_view())
        for definition in DEFINITIONS
    ),
    path("command-results", views.CommandResultListView.as_view()),
    path("command-results/<slug:command_id>", views.CommandResultView.as_view()),
]
