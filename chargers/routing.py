"""The path of the OCPP endpoint."""

from channels.routing import URLRouter
from django.urls import re_path

from .consumers import ChargerConsumer, Stranger

websocket_urls = URLRouter(
    [
        # Base URLs are often configured with a slash at their end, identities too.
        re_path(
            r"^ocpp/+(?P<organization>[-\w]+)/+(?P<identity>[^/\0]+)/?$",
            ChargerConsumer.as_asgi(),
        ),
        re_path(r"", Stranger.as_asgi()),
    ]
)
