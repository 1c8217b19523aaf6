"""``manage.py web``: one web process, under daphne as the settings have it."""

from typing import Any

from daphne.server import Server
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from OpenSSL import SSL
from twisted.internet import reactor
from twisted.internet.endpoints import SSL4ServerEndpoint, quoteStringArgument

from ocpplab.tls import TLSContext

ALWAYS = -1  # a WebSocket stays open as long as both sides want


class Command(BaseCommand):
    help = "Runs the web process: admin, API and OCPP endpoint."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        from ocpplab.asgi import application

        host = quoteStringArgument(settings.HOST)
        # No http_timeout: it would also end the streams of live pages.
        server = Server(
            application,
            endpoints=[f"tcp:port={settings.PORT}:interface={host}"],
            websocket_timeout=ALWAYS,
            ping_interval=settings.OCPP_PING_INTERVAL,
            ping_timeout=settings.OCPP_PING_TIMEOUT,
            verbosity=0,
        )
        if settings.TLS_PORT:
            _listen_with_tls(server)
        server.run()
        if server.abort_start:
            raise CommandError(f"It cannot listen on {settings.HOST}:{settings.PORT}.")


def _listen_with_tls(server: Any) -> None:
    """Listen for TLS as well, once the server runs."""
    pairs = list(zip(settings.TLS_CERTIFICATES, settings.TLS_KEYS, strict=False))
    try:
        context = TLSContext(pairs)
    except (SSL.Error, OSError) as error:
        raise CommandError(f"OCPPLAB_TLS_CERTIFICATE, _KEY: {error}") from None
    endpoint = SSL4ServerEndpoint(
        reactor, settings.TLS_PORT, context, interface=settings.HOST
    )

    def listen() -> None:
        endpoint.listen(server.http_factory).addErrback(server.listen_error)

    reactor.callWhenRunning(listen)
