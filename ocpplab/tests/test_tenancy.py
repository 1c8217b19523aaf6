"""Nothing of another organization is seen or touched: every address of the admin and the
API is tried with its ids, by an admin of one's own."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.db.models import Model
from django.http import HttpResponseBase
from django.test import Client
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse

from chargers.models import Charger, ProvisioningJob
from commands.models import Command
from commands.registry import DEFINITIONS
from ocpplab.models import ApiToken, Membership, Organization, Role, User
from ocpplab.services import create_token
from tests.records import create_one_of_each

THEIRS = "rival"  # is in every name of theirs
EVENT = {"id_tag": "X", "power_w": 1, "connector_id": 1}
HIDDEN = (302, 403, 404, 405)  # 302: back to the home page, as Django's admin does


@pytest.fixture
def theirs(db: None) -> Charger:
    create_one_of_each("mine")
    return create_one_of_each(THEIRS)


@pytest.fixture
def mine(theirs: Charger) -> Organization:
    return Organization.objects.get(slug="mine")


@pytest.fixture
def boss(client: Client, mine: Organization) -> Client:
    """Signed in as an admin of one organization."""
    user = User.objects.create_user("boss", is_staff=True)
    Membership.objects.create(user=user, organization=mine, role=Role.ADMIN)
    client.force_login(user)
    return client


@pytest.fixture
def program(mine: Organization) -> Client:
    """A client of the API with a token of that organization."""
    _, secret = create_token(organization=mine, name="tests", role=Role.ADMIN)
    return Client(headers={"Authorization": f"Bearer {secret}"})


def text_of(response: HttpResponseBase) -> str:
    if response.streaming:
        chunks: Any = response.streaming_content  # type: ignore[attr-defined]
        return b"".join(chunks).decode()
    return response.content.decode()  # type: ignore[attr-defined]


def scoped_models() -> list[type[Model]]:
    return [
        model
        for model, of_model in admin.site._registry.items()
        if hasattr(of_model, "organization_path")
    ]


def theirs_of(model: type[Model]) -> Model:
    """The one of theirs."""
    if model is User:
        return User.objects.get(username=f"user-{THEIRS}")
    path = admin.site.get_model_admin(model).organization_path
    return model._default_manager.get(
        **{path: Organization.objects.get(slug=THEIRS).pk}
    )


def count_all() -> dict[str, int]:
    """How much there is of everything that a person can change."""
    models = [
        m for m in apps.get_models() if m._meta.app_label in ("chargers", "commands")
    ]
    counts = {model.__name__: model._default_manager.count() for model in models}
    counts["theirs on"] = Charger.objects.filter(is_enabled=True).count()
    return counts


# --- The admin --------------------------------------------------------------------------


def addresses_of(obj: Model) -> Iterator[str]:
    """Every page of the admin that is about an object."""
    names = get_resolver().namespace_dict["admin"][1].reverse_dict
    prefix = f"{obj._meta.app_label}_{obj._meta.model_name}_"
    for name in names:
        if isinstance(name, str) and name.startswith(prefix):
            try:
                yield reverse(f"admin:{name}", args=[obj.pk])
            except NoReverseMatch:
                continue  # about none, or more than one


@pytest.mark.parametrize("model", scoped_models(), ids=lambda m: m.__name__)
def test_what_is_theirs_has_no_page(boss: Client, model: type[Model]) -> None:
    before = count_all()
    addresses = list(addresses_of(theirs_of(model)))
    assert len(addresses) >= 3
    for address in addresses:
        if "/export/" in address:
            continue
        for response in (boss.get(address), boss.post(address, {"post": "yes"})):
            assert response.status_code in HIDDEN, address
            if response.status_code == 302:
                assert response["Location"] == reverse("admin:index"), address
            assert THEIRS not in text_of(response), address
    assert count_all() == before


@pytest.mark.parametrize("model", scoped_models(), ids=lambda m: m.__name__)
def test_lists_exports_and_actions_leave_out_what_is_theirs(
    boss: Client, theirs: Charger, model: type[Model]
) -> None:
    opts = model._meta
    url = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")
    page = boss.get(url)
    assert THEIRS not in text_of(page)
    place = theirs.location
    assert place is not None
    narrowed = [f"charger__id__exact={theirs.pk}", f"location__id__exact={place.pk}"]
    narrowed += [
        f"organization__id__exact={theirs.organization_id}",
        f"q={THEIRS.upper()}",
        "",
    ]
    for kind in ("csv", "json", "jsonl"):
        for query in narrowed:
            found = boss.get(f"{url}export/{kind}/?{query}")
            assert found.status_code in (200, 302)
            assert THEIRS not in text_of(found), query

    before = count_all()
    for action in actions_of(page):
        chosen = {"action": action, "_selected_action": theirs_of(model).pk}
        response = boss.post(url, {**chosen, "post": "yes"})
        assert THEIRS not in text_of(response), action
    assert count_all() == before


def actions_of(page: Any) -> Iterator[str]:
    """The names of a list's actions, which may be in groups."""
    for name, label in page.context["action_form"].fields["action"].choices:
        if isinstance(label, list):
            yield from (inner for inner, _ in label)
        elif name:
            yield name


def test_overviews_and_suggestions_leave_out_what_is_theirs(
    boss: Client, theirs: Charger
) -> None:
    for url in (
        reverse("admin:index"),
        reverse("admin:chargers_charger_day"),
        reverse("admin:chargers_charger_add"),
        reverse("admin:chargers_charger_import"),
        reverse("admin:chargers_idtag_import"),
        reverse("admin:ocpplab_apitoken_add"),
        reverse("admin:ocpplab_membership_add"),
        reverse("admin:ocpplab_user_add"),
    ):
        assert THEIRS not in text_of(boss.get(url)), url
    field = {"app_label": "chargers", "model_name": "charger", "field_name": "location"}
    found = boss.get(reverse("admin:autocomplete"), {**field, "term": ""}).json()
    assert [choice["text"] for choice in found["results"]] == ["Site mine"]


def test_nothing_is_sent_to_their_chargers(boss: Client, theirs: Charger) -> None:
    before = count_all()
    command = Command.objects.get(charger=theirs)
    for definition in DEFINITIONS:
        url = reverse("admin:commands_command_send", args=[definition.name])
        for chosen in ({"chargers": theirs.pk}, {"locations": theirs.location_id}):
            for answer in (
                boss.get(url, chosen),
                boss.post(url, {**chosen, "_send": "", "connector_id": "1"}),
            ):
                assert answer.status_code == 404
                assert THEIRS not in text_of(answer)
    url = reverse("admin:commands_command_progress", args=[command.pk, command.pk])
    for answer in (boss.get(url), boss.post(url, {"repeat": "1"})):
        assert answer.status_code == 404
    assert count_all() == before


def test_nothing_is_made_where_they_are(boss: Client, theirs: Charger) -> None:
    before = count_all()
    rows = {"rows": "identity\nX-1", "_make": "1", "_check": "1"}
    charger = {"identity": "X-1", "kind": "virtual", "ocpp_version": "OCPP1.6"}
    owner = theirs.organization_id
    for name, typed in {
        "chargers_charger_import": {**rows, "location": theirs.location_id},
        "chargers_idtag_import": {
            "rows": "id_tag\nX",
            "_make": "1",
            "organization": owner,
        },
        "chargers_charger_add": {**charger, "organization": owner},
        "chargers_location_add": {"name": "X", "organization": owner},
        "chargers_idtag_add": {"id_tag": "X", "organization": owner},
        "ocpplab_apitoken_add": {"name": "X", "role": "admin", "organization": owner},
        "ocpplab_membership_add": {
            "user": "boss",
            "role": "admin",
            "organization": owner,
        },
    }.items():
        answer = boss.post(reverse(f"admin:{name}"), typed)
        assert answer.status_code == 200, name  # the form again, with an error
    assert count_all() == before
    assert Membership.objects.filter(organization=owner).count() == 1
    assert ApiToken.objects.filter(organization=owner).count() == 1


# --- The API ----------------------------------------------------------------------------


def routes(patterns: list[Any], prefix: str = "/") -> Iterator[str]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield route


def test_the_api_knows_nothing_of_theirs(program: Client, theirs: Charger) -> None:
    before = count_all()
    job = ProvisioningJob.objects.get(organization=theirs.organization)
    ids = {
        "<slug:charger_id>": theirs.pk,
        "<slug:location_id>": str(theirs.location_id),
        "<slug:job_id>": str(job.pk),
        "<slug:command_id>": f"cmd-{THEIRS}",
    }
    paths = [r for r in routes(get_resolver().url_patterns) if r.startswith("/ocpp/")]
    assert len(paths) > 35
    for route in paths:
        path = route
        for name, pk in ids.items():
            path = path.replace(name, pk)
        if "<" in path or path == "/ocpp/schema":
            continue  # the catalog, which all share; and how the API is
        for method in ("GET", "PUT", "PATCH", "POST", "DELETE"):
            target = {"charger_id": theirs.pk}
            body = {
                "target": target,
                "charger_id": theirs.pk,
                "event": EVENT,
                "name": "X",
            }
            answer = program.generic(method, path, json.dumps(body), "application/json")
            assert answer.status_code < 500, (method, path)
            assert is_hidden(answer), (method, path, text_of(answer))
            if path != route:  # it names one of theirs
                allowed = (404, 405, 422)  # 422: before anything is looked for
                if (method, path) == ("GET", f"/ocpp/chargers/{theirs.pk}/logs"):
                    assert answer.json()["data"] == []
                    allowed = (200,)
                assert answer.status_code in allowed, (method, path)
    assert count_all() == before


def is_hidden(answer: Any) -> bool:
    """Whether an answer says nothing of theirs but the id that it was asked for."""
    return THEIRS not in text_of(answer).replace(f"cmd-{THEIRS}", "")
