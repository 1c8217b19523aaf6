"""The audit log: who did what, by which door, with what result; and who may read it."""

from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import call_command
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from chargers.models import Charger, IdTag, IssuedCertificate, Location
from ocpplab import audit
from ocpplab.jobs import delete_old_audit_entries
from ocpplab.models import ApiToken, AuditEntry, Membership, Organization, User

from .test_admin import address

LOG = reverse("admin:ocpplab_auditentry_changelist")


def last() -> AuditEntry:
    entry = AuditEntry.objects.first()
    assert entry is not None
    return entry


def told(entry: AuditEntry) -> tuple[str, str, str]:
    return entry.door, entry.who, entry.action


# --- Each door --------------------------------------------------------------------------


def test_the_admin_records_additions_changes_and_deletions(
    sign_in: Any, organization: Organization
) -> None:
    client = sign_in("admin")
    given = {"organization": organization.pk, "id_tag": "TAG-1"}
    client.post(address(IdTag, "add"), given)
    assert told(last()) == ("admin", "bob-admin", "added")
    assert last().subject == "id tag TAG-1"
    assert last().organization == organization
    assert last().address == "127.0.0.1"
    page = address(IdTag, "change", IdTag.objects.get().pk)
    client.post(page, {"id_tag": "TAG-1", "is_blocked": "on"})
    assert told(last()) == ("admin", "bob-admin", "changed")
    assert last().detail == "Changed Blocked."
    client.post(address(IdTag, "delete", IdTag.objects.get().pk), {"post": "yes"})
    assert told(last()) == ("admin", "bob-admin", "deleted")


def test_a_form_sent_without_a_change_is_no_change(
    sign_in: Any, organization: Organization
) -> None:
    tag = IdTag.objects.create(organization=organization, id_tag="TAG-1")
    sign_in("admin").post(address(IdTag, "change", tag.pk), {"id_tag": "TAG-1"})
    assert not AuditEntry.objects.filter(action="changed").exists()


@pytest.mark.parametrize(
    ("model", "action", "recorded"),
    [
        (IdTag, "block", "blocked"),
        (IdTag, "unblock", "unblocked"),
        (ApiToken, "revoke", "revoked"),
        (Charger, "start", "started"),
        (Charger, "stop", "stopped"),
        (Charger, "restart", "restarted"),
    ],
)
def test_actions_on_rows_are_in_their_history_and_in_the_log(
    model: Any, action: str, recorded: str, sign_in: Any, ours: Any
) -> None:
    given = {"action": action, "_selected_action": [ours[model].pk]}
    sign_in("admin").post(address(model, "changelist"), given)
    assert told(last()) == ("admin", "bob-admin", recorded)
    assert str(ours[model]) in last().subject
    entry = LogEntry.objects.get(object_id=str(ours[model].pk))
    assert entry.change_message == f"{recorded.capitalize()}."


def test_many_rows_at_once_are_one_entry(
    sign_in: Any, organization: Organization
) -> None:
    tags = [
        IdTag.objects.create(organization=organization, id_tag=f"T{number:02}")
        for number in range(25)
    ]
    chosen = {"action": "block", "_selected_action": [tag.pk for tag in tags]}
    sign_in("admin").post(address(IdTag, "changelist"), chosen)
    assert last().subject == "25 id tags"
    assert last().detail.startswith("T00, T01")
    assert last().detail.endswith("and 5 more")
    assert LogEntry.objects.count() == 25


def test_exports_are_recorded_with_their_filters(sign_in: Any, ours: Any) -> None:
    url = reverse("admin:chargers_message_export", args=["csv"])
    sign_in("viewer").get(url, {"direction": "cp_to_csms"})
    assert told(last()) == ("admin", "bob-viewer", "exported")
    assert last().subject == "messages as CSV"
    assert last().detail == "direction=cp_to_csms"
    assert last().organization == ours[Organization]


def test_the_api_records_what_it_changed_and_what_it_refused(
    api: APIClient, location: Location
) -> None:
    api.put(f"/ocpp/locations/{location.pk}", {"name": 5}, format="json")
    assert not last().is_done
    assert last().detail.startswith("422")
    url = f"/ocpp/locations/{location.pk}"
    answer = api.delete(url)
    assert answer.status_code < 300, answer.content
    assert last().is_done
    token = ApiToken.objects.get()
    assert told(last()) == ("api", str(token), "DELETE")
    assert last().subject == url
    assert last().token == token
    assert last().organization == location.organization
    before = AuditEntry.objects.count()
    api.get("/ocpp/locations")
    assert AuditEntry.objects.count() == before


def test_commands_are_not_told_twice_but_their_refusal_is(
    api: APIClient, virtual_charger: Charger, organization: Organization
) -> None:
    Charger.objects.update(is_online=True)
    body = {"target": {"charger_id": virtual_charger.pk}, "event": {}}
    answer = api.post("/ocpp/commands/plug-connector", body, format="json")
    assert answer.status_code == 202
    assert not AuditEntry.objects.exists()
    ApiToken.objects.update(role="viewer")
    api.post("/ocpp/commands/plug-connector", body, format="json")
    assert told(last())[::2] == ("api", "POST")
    assert last().detail == "403 Forbidden"


def test_management_commands_are_recorded_with_the_shells_user(
    monkeypatch: pytest.MonkeyPatch, db: None
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "root")
    for command in (
        ("organization", "acme"),
        ("token", "acme", "--name", "ci"),
        ("addcharger", "CP-1", "--organization", "acme", "--physical"),
    ):
        call_command(*command, stdout=StringIO())
        assert told(last()) == ("cli", "root", "added")
        assert last().organization == Organization.objects.get()
    assert AuditEntry.objects.count() == 3
    call_command("organization", "acme", stdout=StringIO())
    assert AuditEntry.objects.count() == 3


def test_signing_in_and_out_is_recorded(db: None, client: Client) -> None:
    User.objects.create_user("dora", password="dora's password", is_staff=True)
    login = reverse("admin:login")
    client.post(login, {"username": "dora", "password": "wrong"})
    assert told(last()) == ("admin", "dora", "sign-in refused")
    assert not last().is_done
    client.post(login, {"username": "dora", "password": "dora's password"})
    assert told(last()) == ("admin", "dora", "signed in")
    client.post(reverse("admin:logout"))
    assert told(last()) == ("admin", "dora", "signed out")
    assert "password" not in str(AuditEntry.objects.values())


# --- Who reads it -----------------------------------------------------------------------


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("operator", 403)])
def test_the_log_is_for_admins(sign_in: Any, role: str, status: int) -> None:
    assert sign_in(role).get(LOG).status_code == status


def test_admins_read_of_their_organization_and_their_members(
    sign_in: Any,
    organization: Organization,
    other_organization: Organization,
) -> None:
    client = sign_in("admin")
    member = User.objects.create_user("carol")
    Membership.objects.create(user=member, organization=organization)
    stranger = User.objects.create_user("mallory")
    Membership.objects.create(user=stranger, organization=other_organization)
    AuditEntry.objects.all().delete()
    common = {"door": audit.Origin.ADMIN, "who": "somebody"}
    audit.record(action="ours", organization=organization, **common)
    audit.record(action="theirs", organization=other_organization, **common)
    audit.record(action="a member's", user=member, **common)
    audit.record(action="a stranger's", user=stranger, **common)
    audit.record(action="nobody's", **common)
    rows = client.get(LOG).context["cl"].result_list
    assert {row.action for row in rows} == {"ours", "a member's"}


def test_the_log_can_neither_be_changed_nor_deleted(
    superuser: User, client: Client
) -> None:
    client.force_login(superuser)
    entry = last()
    assert client.get(reverse("admin:ocpplab_auditentry_add")).status_code == 403
    for page in ("change", "delete"):
        url = reverse(f"admin:ocpplab_auditentry_{page}", args=[entry.pk])
        assert client.post(url, {"post": "yes", "who": "me"}).status_code == 403
    assert AuditEntry.objects.filter(pk=entry.pk, who="alice").exists()


def test_old_entries_are_deleted(db: None, settings: Any) -> None:
    settings.AUDIT_RETENTION_DAYS = 10
    for days in (9, 11):
        audit.record(door=audit.Origin.CLI, action=f"{days} days ago")
        at = timezone.now() - timedelta(days=days)
        AuditEntry.objects.filter(pk=last().pk).update(at=at)
    delete_old_audit_entries()
    assert [entry.action for entry in AuditEntry.objects.all()] == ["9 days ago"]


# --- Addresses --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("proxies", "forwarded", "found"),
    [
        (0, "6.6.6.6", "10.0.0.9"),
        (1, "6.6.6.6, 203.0.113.7", "203.0.113.7"),
        (2, "6.6.6.6, 203.0.113.7, 10.0.0.1", "203.0.113.7"),
        (1, "", "10.0.0.9"),
        (2, "203.0.113.7", "10.0.0.9"),
        (1, "unknown", None),
    ],
)
def test_an_address_is_believed_of_the_configured_proxies_only(
    settings: Any, proxies: int, forwarded: str, found: str | None
) -> None:
    settings.PROXIES = proxies
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    request = RequestFactory().get("/", headers=headers, REMOTE_ADDR="10.0.0.9")
    assert audit.address_of(request) == found


def test_a_shells_user_without_a_name_is_recorded_by_number(
    monkeypatch: pytest.MonkeyPatch, db: None
) -> None:
    def fail() -> str:
        raise KeyError("getpwuid(): uid not found: 4321")

    monkeypatch.setattr("getpass.getuser", fail)
    monkeypatch.setattr("os.getuid", lambda: 4321)
    call_command("organization", "acme", stdout=StringIO())
    assert last().who == "uid 4321"


def test_an_address_is_recorded_without_its_zone(
    client: Client, superuser: User
) -> None:
    given = {"username": "alice", "password": "wrong"}
    client.post(reverse("admin:login"), given, REMOTE_ADDR="fe80::1%eth0")
    assert last().address == "fe80::1"


def test_what_an_authority_issues_and_revokes_is_recorded(
    organization: Organization, physical_charger: Charger, tmp_path: Path
) -> None:
    out = str(tmp_path / "made")
    call_command("ca", "create", organization.slug, stdout=StringIO())
    call_command("ca", "create", organization.slug, stdout=StringIO())
    call_command("ca", "server", organization.slug, "portal.example", out=Path(out))
    identity = physical_charger.identity
    call_command("ca", "charger", organization.slug, identity, out=Path(out))
    certificate = IssuedCertificate.objects.get(charger=physical_charger)
    call_command("ca", "revoke", organization.slug, certificate.serial)
    entries = AuditEntry.objects.filter(door="cli", organization=organization)
    assert list(entries.order_by("pk").values_list("action", "subject")) == [
        ("added", "certificate authority"),
        ("issued", "certificate of portal.example"),
        ("issued", f"certificate of {physical_charger}"),
        ("revoked", f"certificate of {identity}"),
    ]
