"""One of each thing that the admin lists, for tests that go through all its pages."""

from datetime import timedelta
from typing import Any

from django.db.models import Model
from django.utils import timezone

from chargers.models import (
    Charger,
    IdTag,
    Location,
    Message,
    MeterValue,
    ProvisioningJob,
    StationEvent,
    StationReport,
    Transaction,
    Variable,
)
from commands.models import Command, Status
from ocpplab.models import ApiToken, AuditEntry, Membership, Organization, User
from ocpplab.services import create_token

from .fixtures import create_charger


def populate(organization: Organization, mark: str) -> dict[type[Model], Any]:
    """One row of every scoped model, recognizable by ``mark``."""
    now = timezone.now()
    location = Location.objects.create(
        organization=organization,
        slug=f"site-{mark}",
        name=f"Site {mark}",
        address="1 Rue de Rivoli",
        city="Paris",
        country="FR",
        latitude=48.8,
        longitude=2.3,
    )
    charger = create_charger(
        organization=organization, location=location, identity=f"CP-{mark}"
    )
    transaction = Transaction.objects.create(
        charger=charger, transaction_id=mark, evse_id=1, started_at=now
    )
    user = User.objects.create_user(f"user-{mark}", is_staff=True)
    return {
        Organization: organization,
        Location: location,
        Charger: charger,
        Transaction: transaction,
        User: user,
        Membership: Membership.objects.create(user=user, organization=organization),
        ApiToken: create_token(organization=organization, name=f"token-{mark}")[0],
        IdTag: IdTag.objects.create(organization=organization, id_tag=f"TAG-{mark}"),
        MeterValue: MeterValue.objects.create(
            charger=charger,
            transaction=transaction,
            evse_id=1,
            timestamp=now,
            sampled_values=[{"value": "1", "measurand": "Power.Active.Import"}],
        ),
        AuditEntry: AuditEntry.objects.create(
            organization=organization, door="cli", who=f"user-{mark}", action="added"
        ),
        ProvisioningJob: ProvisioningJob.objects.create(
            organization=organization,
            location=charger.location,
            templates=[],
            items=[],
            failed=[{"identity": f"CP-{mark}", "error": "It cannot be made."}],
        ),
        Variable: Variable.objects.create(
            charger=charger, component=mark, name="Enabled", updated_at=now
        ),
        StationEvent: StationEvent.objects.create(
            charger=charger, action="NotifyEvent", summary=mark, data={}, timestamp=now
        ),
        StationReport: StationReport.objects.create(
            charger=charger, kind="monitor", subject=mark, data={}, reported_at=now
        ),
        Message: Message.objects.create(
            charger=charger, direction="cp_to_csms", text=f'["{mark}"]', timestamp=now
        ),
        Command: Command.objects.create(
            organization=organization,
            charger=charger,
            slug="plug-connector",
            event_type="plug_connector",
            origin="api",
            submitted_by=f"user-{mark}",
            enqueued_at=now,
            expires_at=now + timedelta(minutes=10),
        ),
    }


def create_one_of_each(slug: str) -> Charger:
    """The same in an organization called so: its charger speaks 2.0.1, its command has
    failed.
    """
    organization, _ = Organization.objects.get_or_create(
        slug=slug, defaults={"name": f"{slug}-organization"}
    )
    rows = populate(organization, slug)
    ProvisioningJob.objects.filter(pk=rows[ProvisioningJob].pk).update(
        workflow_run_id=slug
    )
    Command.objects.filter(pk=rows[Command].pk).update(
        command_id=f"cmd-{slug}",
        status=Status.FAILED,
        detail=f"{slug} did not answer.",
        finished_at=timezone.now(),
    )
    charger: Charger = rows[Charger]
    charger.kind, charger.ocpp_version = "physical", "OCPP2.0.1"
    charger.save(update_fields=["kind", "ocpp_version"])
    return charger
