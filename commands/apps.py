from django.apps import AppConfig


class CommandsConfig(AppConfig):
    name = "commands"

    def ready(self) -> None:
        from chargers.delivery import register_ledger

        from . import services

        register_ledger(services)
