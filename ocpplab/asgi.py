"""The web process: HTTP to Django, WebSockets to the OCPP endpoint."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ocpplab.settings")
django_application = get_asgi_application()

from channels.routing import ProtocolTypeRouter  # noqa: E402
from twisted.web.http import HTTPChannel  # noqa: E402

from chargers.routing import websocket_urls  # noqa: E402

from .denial import with_denial_responses  # noqa: E402
from .garbage import collect_less  # noqa: E402

# A thousand chargers may be named in one URL, where Twisted reads 16 KiB.
HTTPChannel.MAX_LENGTH = HTTPChannel.totalHeadersSize = 64 * 1024

application = ProtocolTypeRouter(
    {"http": django_application, "websocket": with_denial_responses(websocket_urls)}
)

collect_less()
