"""Making chargers: durable, step by step, and with a structured error (contract, 8, 9).

A charger is PENDING once its row stands, PROVISIONING from when the fleet may run it,
and READY when its CSMS has accepted its boot. Each step is its own statement over all
chargers that are due, so that one lost to a killed process is simply done by the next.
"""

import logging
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from redis.exceptions import RedisError

from ocpplab.models import Organization
from ocpplab.queue import job_queue
from ocpplab.services import digest_of_request

from . import services
from .choices import IN_PROVISIONING, ChargerKind, ProvisioningStatus
from .errors import InvalidCharger
from .models import Charger, ChargerModel, Connector, Location, ProvisioningJob

logger = logging.getLogger(__name__)

CHUNK = 100  # chargers made in one transaction
SUFFIX_BYTES = 4
MESSAGE_LIMIT = 2000
REPEATED = timedelta(seconds=60)
IDENTITY_TAKEN = "A charger with this identity exists already."
STEP_CREATE, STEP_START, STEP_CONNECT = "01", "02", "03"


@dataclass(frozen=True)
class Cause:
    """Why a charger's link cannot be had, from what the charger says of it."""

    mark: str  # what the link's detail begins with
    code: str
    retryable: bool
    is_final: bool  # no use to wait until the time is up


CAUSES = (
    Cause("HTTP 401", "csms_unauthorized", False, True),
    Cause("HTTP 403", "csms_unauthorized", False, True),
    Cause("HTTP 404", "csms_unknown_identity", False, True),
    Cause("HTTP 5", "csms_unavailable", True, False),
    Cause("HTTP", "csms_rejected", False, True),
    Cause("boot rejected", "csms_rejected", False, True),
    Cause("boot pending", "csms_pending", True, False),
    Cause("boot failed", "csms_rejected", False, False),
    Cause("the CSMS does not speak", "csms_version_not_supported", False, True),
    Cause("TLS", "csms_tls_failed", False, False),
    Cause("not a WebSocket URL", "csms_url_invalid", False, True),
    Cause("WebSocket handshake failed", "csms_rejected", False, False),
)
UNREACHABLE = Cause("", "csms_unreachable", True, False)
NO_FLEET = Cause("", "fleet_unavailable", True, False)


def new_run_id() -> str:
    return f"wfr_{secrets.token_hex(8)}"


# --- One charger --------------------------------------------------------------------------


def create_charger(*, request_digest: str = "", **fields: Any) -> Charger:
    """Register a charger and queue the steps that make it READY.

    Takes what ``services.register_charger`` takes and raises what it raises. A physical
    charger is READY at once: it comes by itself.
    """
    with transaction.atomic():
        charger = services.register_charger(**fields)
        charger.request_digest = request_digest
        if charger.is_virtual:
            charger.provisioning_status = ProvisioningStatus.PENDING
            charger.provisioned_at = None
            charger.workflow_run_id = new_run_id()
            transaction.on_commit(lambda: _enqueue("start_chargers"))
        charger.save(
            update_fields=[
                "request_digest",
                "provisioning_status",
                "provisioned_at",
                "workflow_run_id",
            ]
        )
    return charger


def request_charger(
    *,
    organization: Organization,
    identity: str,
    brand_slug: str | None = None,
    model_slug: str | None = None,
    location_id: str | None = None,
    **fields: Any,
) -> Charger:
    """Create a charger as the API asks for it; InvalidCharger tells what is wrong.

    The same request once more within a minute means the same charger: a client that
    missed its answer repeats it.
    """
    digest = digest_of_request(identity, brand_slug, model_slug, location_id, fields)
    try:
        model = None
        if brand_slug or model_slug:
            model = services.find_model(brand_slug or "", model_slug or "")
            if model is None:
                raise InvalidCharger(
                    f"The catalog has no model {model_slug} of {brand_slug}."
                )
        location = None
        if location_id is not None:
            found = services.find_locations(organization, [location_id])
            location = found.get(location_id)
            if location is None:
                raise InvalidCharger(f"There is no location {location_id}.")
        return create_charger(
            organization=organization,
            identity=identity,
            model=model,
            location=location,
            request_digest=digest,
            **fields,
        )
    except (InvalidCharger, IntegrityError) as error:
        repeated = Charger.objects.filter(
            organization=organization,
            identity=identity,
            request_digest=digest,
            created_at__gte=timezone.now() - REPEATED,
        ).first()
        if repeated is not None:
            return repeated
        if isinstance(error, IntegrityError):  # another request was faster
            raise InvalidCharger(IDENTITY_TAKEN) from None
        raise


def start_chargers() -> None:
    """Step 2, of all that are due: the fleet may run them from now on."""
    Charger.objects.filter(provisioning_status=ProvisioningStatus.PENDING).update(
        provisioning_status=ProvisioningStatus.PROVISIONING,
        provisioning_started_at=timezone.now(),
    )


def settle_chargers() -> None:
    """Step 3, of all that are due: FAILED for those that found no CSMS in time.

    They go on trying; one that gets through becomes READY (``services.record_links``).
    """
    now = timezone.now()
    overdue = now - timedelta(seconds=settings.PROVISIONING_TIMEOUT)
    waiting = Charger.objects.filter(
        provisioning_status=ProvisioningStatus.PROVISIONING, is_online=False
    ).only("pk", "link_detail", "holder_id", "provisioning_started_at")
    failed: dict[tuple[Cause, str], list[str]] = {}
    for charger in waiting:
        cause = cause_of(charger)
        started_at = charger.provisioning_started_at
        if cause.is_final or started_at is None or started_at < overdue:
            failed.setdefault((cause, charger.link_detail), []).append(charger.pk)
    for (cause, detail), ids in failed.items():
        Charger.objects.filter(
            pk__in=ids,
            provisioning_status=ProvisioningStatus.PROVISIONING,
            is_online=False,
        ).update(
            provisioning_status=ProvisioningStatus.FAILED,
            provisioning_error=error_of(cause, detail),
        )


def cause_of(charger: Charger) -> Cause:
    """What keeps a charger from its CSMS."""
    detail = charger.link_detail
    if not detail and charger.holder_id is None:
        return NO_FLEET
    return next(
        (cause for cause in CAUSES if detail.startswith(cause.mark)), UNREACHABLE
    )


def error_of(cause: Cause, detail: str) -> dict[str, Any]:
    """ProvisioningErrorDetail (contract, 4.5)."""
    if cause is NO_FLEET:
        message = "No fleet process took the charger in time."
    else:
        message = f"The charger's boot was not accepted: {detail or 'no answer'}."
    about_url = cause.code.startswith("csms_")
    return {
        "code": cause.code,
        "message": message[:MESSAGE_LIMIT],
        "step": f"charger-0-0-{STEP_START if cause is NO_FLEET else STEP_CONNECT}",
        "param": "ws_url" if about_url else None,
        "doc_url": None,
        "retryable": cause.retryable,
    }


# --- Many chargers ------------------------------------------------------------------------


def create_job(
    *,
    organization: Organization,
    location: Location,
    groups: Sequence[dict[str, Any]],
) -> ProvisioningJob:
    """Store a bulk create and queue its making; ``draft_job`` says what it takes."""
    job = draft_job(organization=organization, location=location, groups=groups)
    with transaction.atomic():
        job.save(force_insert=True)
        transaction.on_commit(lambda: _enqueue("make_chargers", str(job.pk)))
    return job


def draft_job(
    *,
    organization: Organization,
    location: Location,
    groups: Sequence[dict[str, Any]],
) -> ProvisioningJob:
    """A bulk create, not stored yet.

    A group is ``{template, charger_ids?, chargers_number?}`` (contract, 9.2); or, of our
    own pages, ``{template, chargers: [{identity, name}]}``.
    """
    return ProvisioningJob(
        organization=organization,
        location=location,
        workflow_run_id=new_run_id(),
        templates=[group["template"] for group in groups],
        items=[
            {"group": number, **item}
            for number, group in enumerate(groups)
            for item in expand(group)
        ],
    )


def problems_of(job: ProvisioningJob) -> list[str]:
    """Of each item, what keeps it from being made now; empty where nothing does."""
    outcomes = _Maker(job).outcomes(job.items)
    return [str(o) if isinstance(o, InvalidCharger) else "" for o in outcomes]


def expand(group: dict[str, Any]) -> Iterable[dict[str, str]]:
    """Identities and names of a group: given suffixes first, then random ones."""
    if "chargers" in group:
        yield from group["chargers"]
        return
    template = group["template"]
    suffixes = list(group.get("charger_ids") or [])
    count = group.get("chargers_number")
    if count is not None:
        del suffixes[count:]
        suffixes += [
            secrets.token_hex(SUFFIX_BYTES) for _ in range(count - len(suffixes))
        ]
    prefix, name = (
        template.get("identity_prefix", ""),
        template.get("template_name", ""),
    )
    for suffix in suffixes:
        yield {"identity": prefix + suffix, "name": f"{name} {suffix}".strip()}


def make_chargers(job_id: str) -> None:
    """Make the chargers of a job, from where it stands; may be run any number of times."""
    while _make_chunk(job_id):
        pass


@transaction.atomic
def _make_chunk(job_id: str) -> bool:
    """Make the next few; False when there is nothing left to make.

    The chargers, the failures and the place in the job are one commit: whoever dies in
    between has done nothing.
    """
    job = (
        ProvisioningJob.objects.select_for_update(of=("self",))
        .select_related("organization", "location")
        .filter(pk=job_id)
        .first()
    )
    if job is None or job.is_made:
        return False
    chunk = job.items[job.next_index : job.next_index + CHUNK]
    made = _Maker(job).make(chunk)
    Charger.objects.bulk_create(made)
    Connector.objects.bulk_create(
        Connector(charger=charger, evse_id=number, connector_id=min(number, 1))
        for charger in made
        for number in range(charger.connector_count + 1)
    )
    job.next_index += len(chunk)
    job.status = ProvisioningStatus.PROVISIONING
    job.save(update_fields=["next_index", "status", "failed"])
    return not job.is_made


class _Maker:
    """Makes unsaved chargers of a job's items, and notes those that cannot be made."""

    def __init__(self, job: ProvisioningJob) -> None:
        self.job = job
        self.now = timezone.now()
        self.models = {
            (model.brand.slug, model.slug): model
            for model in ChargerModel.objects.select_related("brand").filter(
                slug__in={template["model_slug"] for template in job.templates}
            )
        }

    def make(self, items: Sequence[dict[str, Any]]) -> list[Charger]:
        made = []
        for item, outcome in zip(items, self.outcomes(items), strict=True):
            if isinstance(outcome, Charger):
                made.append(outcome)
            else:
                failure = {"identity": item["identity"], "error": str(outcome)}
                self.job.failed.append(failure)
        return made

    def outcomes(
        self, items: Sequence[dict[str, Any]]
    ) -> Iterator[Charger | InvalidCharger]:
        """Of each item its charger, or why it cannot be made."""
        identities = [item["identity"] for item in items]
        taken = set(
            Charger.objects.filter(
                organization=self.job.organization, identity__in=identities
            ).values_list("identity", flat=True)
        )
        for item in items:
            try:
                if item["identity"] in taken:
                    raise InvalidCharger(IDENTITY_TAKEN)
                charger = self._charger(item)
            except InvalidCharger as error:
                yield error
            else:
                taken.add(item["identity"])
                yield charger

    def _charger(self, item: dict[str, Any]) -> Charger:
        template = self.job.templates[item["group"]]
        model = self.models.get((template["brand_slug"], template["model_slug"]))
        services.check_connector_type(model, template["connector_type"])
        assert model is not None
        charger = Charger(
            organization=self.job.organization,
            location=self.job.location,
            location_name=self.job.location.name,
            identity=item["identity"],
            name=item["name"],
            kind=ChargerKind.VIRTUAL,
            model=model,
            connector_type=template["connector_type"],
            connector_count=template.get("connector_count") or model.connector_count,
            ocpp_version=template.get("ocpp_version", "OCPP1.6"),
            ws_url=template["ws_url"].rstrip("/"),
            provisioning_job=self.job,
            provisioning_status=ProvisioningStatus.PROVISIONING,
            provisioning_started_at=self.now,
            workflow_run_id=self.job.workflow_run_id,
        )
        try:
            charger.clean_fields(exclude=services.RELATIONS)
        except ValidationError as error:
            raise InvalidCharger(" ".join(error.messages)) from None
        return charger


def settle_jobs() -> None:
    """Resume jobs that were left, and end those whose chargers all have."""
    for job in ProvisioningJob.objects.filter(status__in=IN_PROVISIONING):
        if not job.is_made:
            make_chargers(str(job.pk))
            continue
        if not job.chargers.filter(provisioning_status__in=IN_PROVISIONING).exists():
            ProvisioningJob.objects.filter(
                pk=job.pk, status__in=IN_PROVISIONING
            ).update(status=ProvisioningStatus.READY, provisioned_at=timezone.now())


def results_of(job: ProvisioningJob) -> tuple[list[Charger], list[dict[str, Any]]]:
    """The chargers a job made, and what it failed to: ``{identity, error}`` each."""
    made, failed = [], list(job.failed)
    for charger in job.chargers.select_related("model__brand").order_by("identity"):
        if charger.provisioning_status == ProvisioningStatus.FAILED:
            message = (charger.provisioning_error or {}).get("message", "")
            failed.append({"identity": charger.identity, "error": message})
        else:
            made.append(charger)
    return made, failed


def _enqueue(job: str, *arguments: str) -> None:
    """Queue a step. Without Redis the row stays, and the periodic jobs take it up."""
    try:
        job_queue().enqueue(f"chargers.jobs.{job}", *arguments)
    except RedisError as error:
        logger.warning("%s waits for Redis: %s", job, error)
