"""``manage.py ca``: the certificate authority of an organization."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from chargers.models import CertificateAuthority, Charger, IssuedCertificate
from chargers.services import certificates
from ocpplab.audit import record_of_shell
from ocpplab.models import Organization


class Command(BaseCommand):
    help = (
        "A small certificate authority, one an organization, for chargers and servers "
        "that speak TLS. What it makes is printed as PEM, or written to files by --out."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(
            dest="do", required=True, metavar="ACTION", title="actions"
        )

        def action(name: str, text: str) -> Any:
            sub = actions.add_parser(name, help=text, description=text)
            sub.add_argument("organization", metavar="ORGANIZATION", help="its slug")
            return sub

        action("create", "Make the authority, if there is none; print its certificate.")
        server = action("server", "Issue a certificate and key to a server.")
        server.add_argument("host", nargs="+", help="a name or address of it")
        charger = action("charger", "Issue a certificate and key to a charger.")
        charger.add_argument("identity")
        for issue in (server, charger):
            issue.add_argument("--rsa", action="store_true", help="instead of EC keys")
            issue.add_argument(
                "--out",
                type=Path,
                metavar="PATH",
                help="write PATH.pem (certificate and chain) and PATH.key",
            )
        sign = action("sign", "Sign the signing request of a charger.")
        sign.add_argument("identity")
        sign.add_argument("csr", type=Path, metavar="FILE", help="PEM")
        action("list", "List what was issued.")
        revoke = action("revoke", "Have a certificate refused from now on.")
        revoke.add_argument("serial", help="as it is listed")

    def handle(self, *args: Any, **options: Any) -> None:
        organization = Organization.objects.filter(slug=options["organization"]).first()
        if organization is None:
            raise CommandError(f"There is no organization {options['organization']}.")
        do: Callable[[Organization, dict[str, Any]], None]
        do = getattr(self, f"_{options['do']}")
        do(organization, options)

    def _create(self, organization: Organization, options: dict[str, Any]) -> None:
        had_one = CertificateAuthority.objects.filter(organization=organization)
        if not had_one.exists():
            _record("added", "certificate authority", organization)
        self.stdout.write(certificates.create_authority(organization).certificate)

    def _server(self, organization: Organization, options: dict[str, Any]) -> None:
        chain, key = certificates.issue_for_server(
            organization, options["host"], rsa_key=options["rsa"]
        )
        _record("issued", f"certificate of {options['host'][0]}", organization)
        self._give(chain, key, options["out"])

    def _charger(self, organization: Organization, options: dict[str, Any]) -> None:
        charger = _find_charger(organization, options["identity"])
        chain, key = certificates.issue_for_charger(charger, rsa_key=options["rsa"])
        _record("issued", f"certificate of {charger}", organization)
        self._give(chain, key, options["out"])

    def _sign(self, organization: Organization, options: dict[str, Any]) -> None:
        charger = _find_charger(organization, options["identity"])
        try:
            csr = options["csr"].read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{options['csr']}: {error}") from None
        chain = certificates.sign_for_charger(charger, csr)
        if chain is None:
            raise CommandError(
                "It is not signed: the organization has an authority that signs for "
                "chargers, and the request is valid, names the charger (CN) and has a "
                "strong key, or it is refused."
            )
        _record("issued", f"certificate of {charger}", organization)
        self.stdout.write(chain)

    def _list(self, organization: Organization, options: dict[str, Any]) -> None:
        issued = IssuedCertificate.objects.filter(authority__organization=organization)
        for row in issued.select_related("charger"):
            state = f"until {row.expires_at:%Y-%m-%d}"
            if row.revoked_at:
                state = f"revoked {row.revoked_at:%Y-%m-%d}"
            elif row.expires_at <= timezone.now():
                state = f"expired {row.expires_at:%Y-%m-%d}"
            kind = "charger" if row.charger else "server"
            self.stdout.write(f"{row.serial}  {kind}  {row.common_name}  {state}")

    def _revoke(self, organization: Organization, options: dict[str, Any]) -> None:
        issued = IssuedCertificate.objects.filter(
            authority__organization=organization, serial=options["serial"].lower()
        ).first()
        if issued is None:
            raise CommandError(f"There is no certificate {options['serial']}.")
        certificates.revoke(issued)
        _record("revoked", f"certificate of {issued.common_name}", organization)

    def _give(self, chain: str, key: str, path: Path | None) -> None:
        """Print them, or write them, the key for its owner alone."""
        if path is None:
            self.stdout.write(chain + key)
            return
        try:
            path.with_name(f"{path.name}.pem").write_text(chain)
            key_path = path.with_name(f"{path.name}.key")
            key_path.touch(mode=0o600)
            key_path.chmod(0o600)
            key_path.write_text(key)
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from None


def _record(action: str, subject: str, organization: Organization) -> None:
    record_of_shell(action, subject=subject, organization=organization)


def _find_charger(organization: Organization, identity: str) -> Charger:
    charger = Charger.objects.filter(
        organization=organization, identity=identity
    ).first()
    if charger is None:
        raise CommandError(f"There is no charger {identity} in {organization.slug}.")
    return charger
