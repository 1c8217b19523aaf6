from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ChargersConfig(AppConfig):
    name = "chargers"

    def ready(self) -> None:
        from .catalog import load_catalog_after_migrate

        post_migrate.connect(load_catalog_after_migrate, sender=self)
