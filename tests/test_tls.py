"""Security profiles 1 to 3 over a TLS connection of the portal's own."""

import asyncio
import base64
import contextlib
import ssl
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.portal import Portal, free_port

pytestmark = pytest.mark.portal

PASSWORD = "0123456789abcdef0123"


class Site:
    """A portal with TLS, two organizations, and chargers of each profile."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.tls_port = free_port()
        self.portal = Portal(
            directory,
            OCPPLAB_DEMO="0",
            OCPPLAB_TLS_PORT=str(self.tls_port),
            OCPPLAB_TLS_CERTIFICATE=f"{directory}/ec.pem,{directory}/rsa.pem",
            OCPPLAB_TLS_KEY=f"{directory}/ec.key,{directory}/rsa.key",
        )

    def manage(self, *arguments: str) -> str:
        return self.portal.manage(*arguments)

    def prepare(self, *more: list[str]) -> None:
        """Make all of it: one process runs these commands faster than one each."""
        commands: list[list[str]] = [["migrate", "--verbosity", "0"]]
        for slug in ("acme", "rival"):
            commands += [["organization", slug], ["ca", "create", slug]]
        ec, rsa = self.directory / "ec", self.directory / "rsa"
        hosts = ["ca", "server", "acme", "127.0.0.1", "localhost"]
        commands += [[*hosts, "--out", str(ec)], [*hosts, "--rsa", "--out", str(rsa)]]
        for profile in (1, 2, 3):
            commands += self.adding("acme", f"CP-{profile}", profile)
        commands += self.adding("acme", "CP-4", 3) + self.adding("rival", "CP-3", 3)
        commands += more
        script = (
            "import contextlib; from django.core.management import call_command\n"
            f"for command in {commands!r}:\n"
            f"  with open({str(self.directory / 'printed')!r}, 'a') as printed:\n"
            "    with contextlib.redirect_stdout(printed): call_command(*command)\n"
        )
        self.manage("shell", "-c", script)
        (self.directory / "acme-ca.pem").write_text(self.manage("ca", "create", "acme"))

    def adding(self, organization: str, identity: str, profile: int) -> list[list[str]]:
        add = ["addcharger", identity, "--organization", organization, "--physical"]
        add += ["--security-profile", str(profile)]
        if profile < 3:
            return [[*add, "--password", PASSWORD]]
        out = str(self.directory / f"{organization}-{identity}")
        return [add, ["ca", "charger", organization, identity, "--out", out]]

    def status(
        self,
        identity: str,
        *,
        certificate: str = "",
        password: str = "",
        tls: bool = True,
        ciphers: str = "",
    ) -> int:
        """101, or the status that a charger's handshake is refused with."""
        headers = {}
        if password:
            secret = base64.b64encode(f"{identity}:{password}".encode()).decode()
            headers["Authorization"] = f"Basic {secret}"
        options: dict[str, Any] = {}
        url = f"ws://127.0.0.1:{self.portal.port}"
        if tls:
            url = f"wss://127.0.0.1:{self.tls_port}"
            options["ssl"] = self.context(certificate, ciphers)
        dialed = _dial(
            f"{url}/ocpp/acme/{identity}",
            subprotocols=["ocpp1.6"],
            additional_headers=headers,
            **options,
        )
        return asyncio.run(dialed)

    def context(self, certificate: str = "", ciphers: str = "") -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.directory / "acme-ca.pem")
        if ciphers:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers(ciphers)
        if certificate:
            path = self.directory / certificate
            context.load_cert_chain(f"{path}.pem", f"{path}.key")
        return context


async def _dial(url: str, **options: Any) -> int:
    """By one thread: Python's TLS sockets are not safe to read and write at once."""
    try:
        async with asyncio.timeout(15), connect(url, **options) as socket:
            await socket.send('[2,"1","BootNotification",{}]')
            assert '[4,"1"' in str(await socket.recv())
            return 101
    except InvalidStatus as refusal:
        return refusal.response.status_code


AnySite = TypeVar("AnySite", bound=Site)


@contextlib.contextmanager
def running(kind: type[AnySite]) -> Iterator[AnySite]:
    """A site of this kind, whose portal runs meanwhile."""
    with tempfile.TemporaryDirectory(prefix="ocpplab-tls-") as directory:
        site = kind(Path(directory))
        site.prepare()
        site.portal.start()
        try:
            site.portal.wait_until_ready()
            yield site
        finally:
            site.portal.stop()


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with running(Site) as site:
        yield site


def test_a_password_over_tls(site: Site) -> None:
    assert site.status("CP-2", password=PASSWORD) == 101
    assert site.status("CP-2", password="another") == 401
    assert site.status("CP-2") == 401
    assert site.status("CP-2", password=PASSWORD, tls=False) == 401
    # A profile is the least that is asked for.
    assert site.status("CP-1", password=PASSWORD) == 101
    assert site.status("CP-1", password=PASSWORD, tls=False) == 101


def test_a_client_certificate(site: Site) -> None:
    assert site.status("CP-3", certificate="acme-CP-3") == 101
    assert site.status("CP-3") == 401
    assert site.status("CP-3", tls=False) == 401
    assert site.status("CP-3", certificate="acme-CP-4") == 401
    # Of that name, but from the authority of another organization.
    assert site.status("CP-3", certificate="rival-CP-3") == 401
    # Issued by the right one, but to a server.
    assert site.status("CP-3", certificate="ec") == 401


def test_a_revoked_certificate_is_refused(site: Site) -> None:
    assert site.status("CP-4", certificate="acme-CP-4") == 101
    [line] = [
        line for line in site.manage("ca", "list", "acme").split("\n") if "CP-4" in line
    ]
    site.manage("ca", "revoke", "acme", line.split()[0])
    assert site.status("CP-4", certificate="acme-CP-4") == 401
    assert "revoked" in site.manage("ca", "list", "acme")


@pytest.mark.parametrize(
    "cipher",
    [
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "AES128-GCM-SHA256",
        "AES256-GCM-SHA384",
    ],
)
def test_the_cipher_suites_of_the_whitepaper(site: Site, cipher: str) -> None:
    assert site.status("CP-2", password=PASSWORD, ciphers=cipher) == 101


def test_what_tls_is_not_to_be_is_refused(site: Site) -> None:
    with pytest.raises(ssl.SSLError):
        site.status("CP-2", password=PASSWORD, ciphers="AES128-SHA")
    strangers = ssl.create_default_context()
    url = f"wss://127.0.0.1:{site.tls_port}/ocpp/acme/CP-2"
    with pytest.raises(ssl.SSLError):
        asyncio.run(_dial(url, ssl=strangers))
