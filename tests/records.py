"""One of each thing that the admin lists, for tests that go through all its pages."""

from django.utils import timezone

from chargers.choices import Direction, ReportKind
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
from ocpplab.models import (
    AuditEntry,
    Membership,
    Organization,
    Origin,
    Role,
    User,
)
from ocpplab.services import create_token

from .fixtures import create_charger


def create_one_of_each(slug: str) -> Charger:
    """An organization with one of each; all that has a name is called by its slug."""
    now = timezone.now()
    organization, _ = Organization.objects.get_or_create(
        slug=slug, defaults={"name": f"{slug}-organization"}
    )
    user = User.objects.create_user(f"{slug}-user", is_staff=True)
    Membership.objects.create(user=user, organization=organization, role=Role.VIEWER)
    create_token(organization=organization, name=f"{slug}-token")
    AuditEntry.objects.create(
        organization=organization, door=Origin.ADMIN, who=user.username, action="added"
    )
    location = Location.objects.create(
        organization=organization,
        slug=f"{slug}-location",
        name=f"{slug}-location",
        latitude=48.8,
        longitude=2.3,
    )
    charger = create_charger(
        organization=organization,
        location=location,
        identity=f"{slug}-charger",
        kind="physical",
        ocpp_version="OCPP2.0.1",
    )
    IdTag.objects.create(organization=organization, id_tag=f"{slug}-tag")
    transaction = Transaction.objects.create(
        charger=charger,
        transaction_id=f"{slug}-transaction",
        evse_id=1,
        id_tag=f"{slug}-tag",
        started_at=now,
    )
    MeterValue.objects.create(
        charger=charger,
        transaction=transaction,
        evse_id=1,
        timestamp=now,
        sampled_values=[{"value": 1}],
    )
    Message.objects.create(
        charger=charger,
        direction=Direction.TO_CSMS,
        action="Heartbeat",
        message_type=2,
        text=f'[2,"{slug}","Heartbeat",{{}}]',
        timestamp=now,
    )
    StationEvent.objects.create(
        charger=charger, action="NotifyEvent", summary=slug, data={}, timestamp=now
    )
    StationReport.objects.create(
        charger=charger,
        kind=ReportKind.values[0],
        subject=slug,
        data={},
        reported_at=now,
    )
    Variable.objects.create(charger=charger, component=slug, name=slug, updated_at=now)
    ProvisioningJob.objects.create(
        organization=organization,
        location=location,
        workflow_run_id=slug,
        templates=[],
        items=[],
    )
    Command.objects.create(
        command_id=f"cmd-{slug}",
        organization=organization,
        charger=charger,
        slug="unlock-connector",
        event_type="unlock_connector",
        origin=Origin.ADMIN,
        submitted_by=user.username,
        status=Status.FAILED,
        detail=f"{slug} did not answer.",
        enqueued_at=now,
        finished_at=now,
        expires_at=now,
    )
    return charger
