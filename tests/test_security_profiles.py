"""A virtual charger is brought from security profile 0 to 3 by requests of the portal.

Once it has come by one, the endpoint takes no lower one.
"""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.portal import wait_until
from tests.test_tls import Site, running

pytestmark = pytest.mark.portal

KEY = "0123456789abcdef" * 2
SECONDS = 60.0
SLOTS = {1: 2, 2: 3, 3: 2}  # of network profiles, by security profile


class SecuredSite(Site):
    """A site with virtual chargers as they come from the factory, and a token."""

    def prepare(self, *more: list[str]) -> None:
        add = ["addcharger", "--organization", "acme"]
        super().prepare(
            [*add, "V16"],
            [*add, "V201", "--ocpp-version", "OCPP2.0.1"],
            ["token", "acme", "--name", "tests"],
        )
        self.root = (self.directory / "acme-ca.pem").read_text()
        *_, ids, ids_2, token = (
            (self.directory / "printed").read_text().split("\n")[:-1]
        )
        self.ids = {"V16": ids, "V201": ids_2}
        self.token = token.split()[-1]

    def api(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        request = urllib.request.Request(
            f"{self.portal.base_url}/ocpp/chargers/{path}",
            method=method,
            data=json.dumps(body).encode() if body else None,
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)


class Operator:
    """Asks one charger; it may be dialing anew just now."""

    def __init__(self, site: SecuredSite, identity: str) -> None:
        self.site = site
        self.identity = identity
        self.path = site.ids[identity]

    def ask(self, action: str, payload: Any) -> Any:
        answers: list[Any] = []

        def is_answered() -> bool:
            body = {"action": action, "payload": payload}
            status, answer = self.site.api("POST", f"{self.path}/requests", body)
            answers.append(answer)
            return status == 200

        wait_until(is_answered, SECONDS, f"an answer to {action}: {answers}")
        return answers[-1]["payload"]

    def is_refused(self, **options: Any) -> bool:
        return self.site.status(self.identity, **options) == 401

    def revoke_certificates(self) -> None:
        listed = self.site.manage("ca", "list", "acme").splitlines()
        [serial] = [line.split()[0] for line in listed if self.path in line]
        self.site.manage("ca", "revoke", "acme", serial)

    def frames(self, action: str) -> list[str]:
        """Those of the message log with this action."""
        _, page = self.site.api("GET", f"{self.path}/logs?event={action}")
        return [row["message"] for row in page["data"]]

    def wait_for_certificate(self) -> None:
        def is_taken() -> bool:
            return any("Accepted" in text for text in self.frames("CertificateSigned"))

        wait_until(is_taken, SECONDS, "the certificate is taken")

    def is_gone(self) -> bool:
        body = {"action": "ClearCache", "payload": {}}
        status, answer = self.site.api("POST", f"{self.path}/requests", body)
        return status == 422 and answer["outcome"] == "not_connected"


@pytest.fixture(scope="module")
def site() -> Iterator[SecuredSite]:
    with running(SecuredSite) as site:
        yield site


def test_a_1_6_charger_comes_to_profile_3(site: SecuredSite) -> None:
    charger = Operator(site, "V16")

    def configure(key: str, value: str) -> None:
        answer = charger.ask("ChangeConfiguration", {"key": key, "value": value})
        assert answer == {"status": "Accepted"}, key

    def has_profile(value: str) -> bool:
        answer = charger.ask("GetConfiguration", {"key": ["SecurityProfile"]})
        found: bool = answer["configurationKey"][0]["value"] == value
        return found

    assert has_profile("0")
    configure("AuthorizationKey", KEY)
    configure("SecurityProfile", "1")
    assert has_profile("1")
    assert charger.is_refused(tls=False)
    assert charger.is_refused(tls=False, password="another")

    root = {
        "certificateType": "CentralSystemRootCertificate",
        "certificate": site.root,
    }
    assert charger.ask("InstallCertificate", root) == {"status": "Accepted"}
    configure("SecurityProfile", "2")
    assert has_profile("2")
    assert charger.is_refused(tls=False, password=KEY)

    configure("CpoName", "acme")
    trigger = {"requestedMessage": "SignChargePointCertificate"}
    assert charger.ask("ExtendedTriggerMessage", trigger) == {"status": "Accepted"}
    charger.wait_for_certificate()
    configure("SecurityProfile", "3")
    assert has_profile("3")
    assert charger.is_refused(password=KEY)
    assert charger.is_refused(certificate="rival-CP-3")
    # To dial with other credentials is no reason to boot.
    assert len(charger.frames("BootNotification")) == 2
    charger.ask("Reset", {"type": "Soft"})
    assert has_profile("3")

    charger.revoke_certificates()
    wait_until(charger.is_gone, SECONDS, "the connection has ended")


def test_a_2_0_1_charger_comes_to_profile_3(site: SecuredSite) -> None:
    charger = Operator(site, "V201")

    def configure(component: str, name: str, value: str) -> None:
        setting = {
            "component": {"name": component},
            "variable": {"name": name},
            "attributeValue": value,
        }
        answer = charger.ask("SetVariables", {"setVariableData": [setting]})
        [result] = answer["setVariableResult"]
        assert result["attributeStatus"] in ("Accepted", "RebootRequired"), result

    def change_profile(profile: int) -> None:
        port = site.portal.port if profile == 1 else site.tls_port
        scheme = "ws" if profile == 1 else "wss"
        network = {
            "configurationSlot": SLOTS[profile],
            "connectionData": {
                "ocppVersion": "OCPP20",
                "ocppTransport": "JSON",
                "ocppCsmsUrl": f"{scheme}://127.0.0.1:{port}/ocpp/acme",
                "messageTimeout": 30,
                "securityProfile": profile,
                "ocppInterface": "Wired0",
            },
        }
        assert charger.ask("SetNetworkProfile", network) == {"status": "Accepted"}
        configure("OCPPCommCtrlr", "NetworkConfigurationPriority", str(SLOTS[profile]))
        charger.ask("Reset", {"type": "Immediate"})
        wanted = {
            "component": {"name": "SecurityCtrlr"},
            "variable": {"name": "SecurityProfile"},
        }

        def has_changed() -> bool:
            answer = charger.ask("GetVariables", {"getVariableData": [wanted]})
            [result] = answer["getVariableResult"]
            changed: bool = result["attributeValue"] == str(profile)
            return changed

        wait_until(has_changed, SECONDS, f"profile {profile}")

    configure("SecurityCtrlr", "BasicAuthPassword", KEY)
    change_profile(1)
    assert charger.is_refused(tls=False)
    root = {"certificateType": "CSMSRootCertificate", "certificate": site.root}
    assert charger.ask("InstallCertificate", root) == {"status": "Accepted"}
    change_profile(2)
    assert charger.is_refused(tls=False, password=KEY)
    configure("SecurityCtrlr", "OrganizationName", "acme")
    trigger = {"requestedMessage": "SignChargingStationCertificate"}
    assert charger.ask("TriggerMessage", trigger) == {"status": "Accepted"}
    charger.wait_for_certificate()
    change_profile(3)
    assert charger.is_refused(password=KEY)
    charger.revoke_certificates()
    wait_until(charger.is_gone, SECONDS, "the connection has ended")
