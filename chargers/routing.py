"""The path of the OCPP endpoint (DESIGN, section 6)."""

from channels.routing import URLRouter
from django.urls import path, re_path

from .consumers import ChargerConsumer, Stranger

websocket_urls = URLRouter(
    [
        path("ocpp/<slug:organization>/<str:identity>", ChargerConsumer.as_asgi()),
        re_path(r"", Stranger.as_asgi()),
    ]
)
