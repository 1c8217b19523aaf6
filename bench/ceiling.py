"""A Channels consumer that does nothing but answer: what daphne and Channels allow."""

import json
import os
from typing import Any

import django
from channels.consumer import get_handler_name
from channels.generic.websocket import AsyncWebsocketConsumer


class DoNothing(AsyncWebsocketConsumer):
    async def dispatch(self, message: dict[str, Any]) -> None:
        # Channels' own hops to a thread per message, to close database connections.
        await getattr(self, get_handler_name(message))(message)

    async def connect(self) -> None:
        await self.accept("ocpp1.6")

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None
    ) -> None:
        message_id = json.loads(text_data or "")[1]
        await self.send(text_data=json.dumps([3, message_id, {}]))


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ocpplab.settings")
django.setup()
application = DoNothing.as_asgi()
