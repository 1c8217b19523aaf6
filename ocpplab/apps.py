from django.apps import AppConfig


class OcpplabConfig(AppConfig):
    name = "ocpplab"
    verbose_name = "Organizations and access"
