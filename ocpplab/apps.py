from django.apps import AppConfig


class OcpplabConfig(AppConfig):
    name = "ocpplab"
    verbose_name = "Organizations and access"

    def ready(self) -> None:
        from . import audit  # noqa: F401, listens to who signs in
