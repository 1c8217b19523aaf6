from django.apps import AppConfig
from django.contrib.admin import apps as admin


class OcpplabConfig(AppConfig):
    name = "ocpplab"
    default = True
    verbose_name = "Organizations and access"

    def ready(self) -> None:
        from . import audit  # noqa: F401, listens to who signs in


class PortalAdminConfig(admin.AdminConfig):
    default = False
    default_site = "ocpplab.menu.PortalSite"
