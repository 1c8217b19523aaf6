"""The admin site: its menu follows what operators do, not Django's apps."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from ocpplab.signing_in import SignInForm

# An admin class says where it stands: ``menu = (group, place in it)``.
MENU = ("Operations", "Charger data", "Setup", "Administration")
ELSEWHERE = ("Administration", 99)


class PortalSite(admin.AdminSite):
    site_header = "OCPPLAB Portal"
    site_title = "OCPPLAB Portal"
    index_title = "Operations"
    login_form = SignInForm
    enable_nav_sidebar = True

    def get_app_list(
        self, request: HttpRequest, app_label: str | None = None
    ) -> list[Any]:
        """The menu; of one app, when asked for, Django's own list."""
        apps: list[Any] = super().get_app_list(request, app_label)
        if app_label:
            return apps
        groups: dict[str, list[tuple[int, Any]]] = {name: [] for name in MENU}
        for model in (model for app in apps for model in app["models"]):
            group, place = getattr(self._registry[model["model"]], "menu", ELSEWHERE)
            groups[group].append((place, model))
        return [
            {
                "name": name,
                "app_label": name.lower().replace(" ", "-"),
                "app_url": "",
                "models": [model for _, model in sorted(found, key=lambda m: m[0])],
            }
            for name, found in groups.items()
            if found
        ]
