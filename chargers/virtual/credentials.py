"""How a charger proves who it is, and whom it trusts (whitepaper, A00, A01, A05).

Profiles: 0 none (or, as OCPP-J 1.6 had it, Basic authentication where there is a
password), 1 Basic authentication, 2 the same with TLS, 3 TLS with a certificate.
"""

import hashlib
import re
import ssl
import tempfile
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from websockets.exceptions import InvalidStatus

from .certificates import Identity, OwnCertificates, Use

if TYPE_CHECKING:
    from .charger import VirtualCharger

PASSWORD_LENGTHS = range(16, 41)  # characters
RENEWED_BEFORE = timedelta(days=30)
FALLBACK_TRIES = 3  # failed dials after which a new profile is taken back

_HEX_KEY = re.compile(r"(?:[0-9A-Fa-f]{2}){16,20}")
_REFUSED = "FailedToAuthenticateAtCentralSystem"


class Line(NamedTuple):
    """What a charger dials with."""

    profile: int
    url: str
    login: tuple[str, bytes] | None  # for Basic authentication
    own: Identity | None  # to show by TLS

    @property
    def is_tls(self) -> bool:
        return self.url.lower().startswith("wss:")


class Credentials:
    """``state`` holds secrets: whoever keeps it should do so encrypted."""

    def __init__(self, charger: "VirtualCharger", state: dict[str, Any]) -> None:
        self._charger = charger
        given = hashlib.sha256(charger.spec.password.encode()).hexdigest()
        if state.get("given") != given:  # the operator has set another one since
            state = {**state, "given": given, "password": charger.spec.password}
        self._given = given
        self.password: str = state["password"]
        self.profile: int = state.get("profile", self.first_profile)
        self._fallback: int | None = state.get("fallback")
        self._failures = 0
        self._renewed: Identity | None = None  # for which a new one was asked for
        self._event = ""  # of the last failure to dial
        self._sends_bytes: bool = state.get("sends_bytes", False)
        self.own = OwnCertificates(state.get("own", {}))

    @property
    def first_profile(self) -> int:
        """What a factory-new charger does amounts to that profile."""
        if not self.password:
            return 0
        return 2 if self._charger.spec.url.lower().startswith("wss:") else 1

    @property
    def common_name(self) -> str:
        """What its certificate calls the charger (A00.FR.511)."""
        return self._charger.spec.serial_number or self._charger.spec.identity

    # -- changes, for the next link --------------------------------------------------

    def change_password(self, password: str) -> str:
        """Why it cannot be used, or "" (A01)."""
        self.password, self._sends_bytes = password, False
        self._changed("AuthorizationKey")
        return ""

    def change_profile(self, profile: str) -> str:
        """Why the charger cannot change to it, or "" (A05)."""
        wanted = int(profile)
        if problem := self.problem_with(wanted):
            return problem
        self._fallback, self.profile, self._failures = self.profile, wanted, 0
        self._changed("SecurityProfile")
        return ""

    def problem_with(self, profile: int) -> str:
        """Why the charger could not use that profile, or ""."""
        now = self._charger.clock.now()
        if profile <= self.profile:
            return "must be higher than it is"
        if profile < 3 and len(self.password) not in PASSWORD_LENGTHS:
            return "needs an AuthorizationKey"
        if profile > 1 and not self._charger.certificates.valid(Use.CSMS, now):
            return "needs a root certificate of the CSMS"
        if profile == 3 and self.own.current(now) is None:
            return "needs a certificate of the charger"
        return ""

    def request_certificate(self, organization: str) -> str:
        """A signing request for a certificate of the charger (A02, A03)."""
        self._charger.flash.touch()
        return self.own.request(self.common_name, organization)

    def renew(self) -> None:
        """Ask for a new certificate a month before the one in use ends (A03)."""
        now = self._charger.clock.now()
        own = self.own.current(now) if self.profile == 3 else None
        if own is None or own == self._renewed:
            return
        if own.certificate.not_valid_after_utc - now <= RENEWED_BEFORE:
            self._renewed = own  # once: what goes wrong is for the operator (A02)
            self._charger.notices.put(self._charger.protocol.certificate_request())

    def take_certificate(self, chain: str) -> str:
        """Why a signed certificate is refused, or "" (A02.FR.06)."""
        now = self._charger.clock.now()
        problem = self.own.accept(
            chain,
            common_names={self._charger.spec.identity, self.common_name},
            roots=self._charger.certificates.valid(Use.CSMS, now),
            now=now,
        )
        if problem:
            self._charger.security.note("InvalidChargePointCertificate", problem)
        else:
            self._changed("certificate")
        return problem

    def _changed(self, what: str) -> None:
        self._charger.security.note("ReconfigurationOfSecurityParameters", what)

    # -- for the link ----------------------------------------------------------------

    def line(self) -> Line:
        """How to dial now."""
        url, login, own = self._charger.protocol.url(), None, None
        if self.profile > 1 and url.lower().startswith("ws:"):
            url = self._charger.spec.secure_url or f"wss:{url[3:]}"
        if self.profile == 3:
            own = self.own.current(self._charger.clock.now())
        elif self.password:
            sent = self.password.encode()
            if self._sends_bytes:
                sent = bytes.fromhex(self.password)
            login = (self._charger.spec.identity, sent)
        return Line(self.profile, url, login, own)

    def trust(self, own: Identity | None = None) -> ssl.SSLContext:
        """TLS that takes the system's root certificates and the installed ones."""
        roots = {root.pem for root in self._charger.certificates.find(Use.CSMS)}
        return _tls(frozenset(roots), own)

    def dialed(self) -> None:
        """A link came about."""
        self._failures, self._event = 0, ""
        if self._fallback is not None:
            self._fallback = None
            self._charger.flash.touch()

    def failed_to_dial(self, problem: BaseException | None) -> None:
        """None came about, for that reason."""
        event = _event_of(problem)
        if event and event != self._event:  # but not at each attempt
            self._charger.security.note(event, str(problem))
        self._event = event
        if event == _REFUSED and _HEX_KEY.fullmatch(self.password):
            # OCPP-J 1.6 has the key's bytes for a password, most CSMSs its digits.
            self._sends_bytes = not self._sends_bytes
        self._failures += 1
        if self._fallback is not None and self._failures >= FALLBACK_TRIES:
            self.profile, self._fallback = self._fallback, None
            self._changed("SecurityProfile, as before")

    @property
    def _has_changed(self) -> bool:
        return (
            self.password != self._charger.spec.password
            or self.profile != self.first_profile
            or self._sends_bytes
            or self.own.to_state() != OwnCertificates({}).to_state()
        )

    def to_state(self) -> dict[str, Any]:
        """Nothing for a charger that has learnt nothing yet."""
        if not self._has_changed:
            return {}
        return {
            "given": self._given,
            "password": self.password,
            "sends_bytes": self._sends_bytes,
            "profile": self.profile,
            "fallback": self._fallback,
            "own": self.own.to_state(),
        }


def _event_of(problem: BaseException | None) -> str:
    """The security event that a failure to dial is (whitepaper, chapter 8)."""
    match problem:
        case InvalidStatus() if problem.response.status_code == 401:
            return _REFUSED
        case ssl.SSLCertVerificationError():
            return "InvalidCentralSystemCertificate"
        case ssl.SSLError() if "PROTOCOL" in (problem.reason or ""):
            return "InvalidTLSVersion"
        case ssl.SSLError() if "HANDSHAKE" in (problem.reason or ""):
            return "InvalidTLSCipherSuite"
    return ""


@lru_cache(maxsize=128)
def _tls(roots: frozenset[str], own: Identity | None) -> ssl.SSLContext:
    """One for all chargers alike: reading the system's roots takes its time."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if roots:
        context.load_verify_locations(cadata="\n".join(sorted(roots)))
    if own is not None:
        with tempfile.NamedTemporaryFile("w") as file:  # ssl reads them from files only
            file.write(own.key + own.chain)
            file.flush()
            context.load_cert_chain(file.name)
    return context
