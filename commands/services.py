"""Every write to commands: submission, claiming, results, expiry (the tour's step 2).

A status changes by compare-and-set only: whoever comes second changes nothing, so that a
command is done at most once, and reported once.
"""

import json
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from redis.client import PubSub
from redis.exceptions import RedisError

from chargers import changes
from chargers.choices import OCPPVersion, ProvisioningStatus
from chargers.delivery import Instruction, Outcome, ring
from chargers.models import Charger
from chargers.ocpp.versions import Version
from chargers.rows import update_rows
from ocpplab.models import ApiToken, Organization, User
from ocpplab.queue import job_queue, redis_client

from . import limits, proxy
from .errors import CommandError, CommandRefused
from .models import FINAL, WAITING, Command, Origin, Status
from .registry import COMMANDS, Definition
from .targets import Target, find_chargers, resolve_connector

logger = logging.getLogger(__name__)

JOB_SIZE = 250  # commands per delivery job
RECHECK = 2.0  # s, a waiting caller looks itself, should word of a result be lost
RING_AGAIN_AFTER = timedelta(seconds=3)


@dataclass(frozen=True)
class Actor:
    """Who sends a command, and through which door."""

    origin: Origin
    name: str
    user: User | None = None
    token: ApiToken | None = None


@dataclass(frozen=True)
class Failure:
    """A charger of the target that was not given the command, and why."""

    error: str
    identity: str | None = None


@dataclass(frozen=True)
class Submission:
    """What became of one submission: a stored command per charger, or a failure."""

    commands: list[Command] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)

    @property
    def targeted_count(self) -> int:
        return len(self.commands) + len(self.failed)


# --- Submission: all three doors ------------------------------------------------------


def submit_commands(
    *,
    organization: Organization,
    definition: Definition,
    target: Target,
    event: dict[str, Any],
    actor: Actor,
) -> Submission:
    """Store a command for each charger of the target and queue their delivery.

    Raises ValidationError (the event has a wrong shape) or TargetNotFound. A charger
    that cannot take the command is among ``failed``; where it is the single target of a
    command that is no fan-out, CommandRefused is raised instead.
    """
    serializer = definition.event(data=event)
    serializer.is_valid(raise_exception=True)
    checked: dict[str, Any] = serializer.data_as_json()
    selection = find_chargers(organization, target)
    submission = Submission(
        failed=[Failure(f"There is no charger {pk} here.") for pk in selection.missing]
    )
    now = timezone.now()
    wait = settings.COMMAND_WAIT if definition.result else settings.COMMAND_TTL
    for charger in selection.chargers:
        try:
            _check(definition, charger, checked)
        except CommandRefused as refusal:
            if not definition.fan_out and target.charger_id is not None:
                raise
            submission.failed.append(Failure(str(refusal), charger.identity))
            continue
        submission.commands.append(
            Command(
                organization=organization,
                charger=charger,
                slug=definition.slug,
                event_type=definition.event_type(checked),
                event=checked,
                origin=actor.origin,
                user=actor.user,
                token=actor.token,
                submitted_by=actor.name,
                enqueued_at=now,
                expires_at=now + timedelta(seconds=wait),
            )
        )
    _store(submission.commands)
    return submission


def _check(definition: Definition, charger: Charger, event: dict[str, Any]) -> None:
    """Raise CommandRefused when this charger cannot take the command now."""
    if not charger.is_virtual and not definition.physical:
        raise CommandRefused(
            f"{charger.identity} is a physical charger: {definition.slug} is for "
            "virtual chargers only."
        )
    if charger.provisioning_status != ProvisioningStatus.READY:
        raise CommandRefused(f"{charger.identity} is {charger.provisioning_status}.")
    if charger.is_virtual and not charger.is_enabled:
        raise CommandRefused(f"{charger.identity} is stopped.")
    if not charger.is_online:
        raise CommandRefused(f"{charger.identity} is not connected to its CSMS.")
    if definition.has_connector:
        resolve_connector(
            event.get("evse_id"), event.get("connector_id"), charger.connector_count
        )
    if definition.slug == "proxy-message":
        version = Version.from_label(OCPPVersion(charger.ocpp_version).value)
        proxy.check(version, event)


def _store(commands: list[Command]) -> None:
    with transaction.atomic():
        Command.objects.bulk_create(commands)
        limits.watch(commands)
        ids = [command.pk for command in commands]
        chargers = [command.charger_id for command in commands]
        transaction.on_commit(lambda: _enqueue(ids))
        transaction.on_commit(lambda: changes.announce(chargers))


def _enqueue(ids: list[int]) -> None:
    """Queue delivery. Without Redis the rows stay, and the sweep delivers them."""
    try:
        queue = job_queue()
        for start in range(0, len(ids), JOB_SIZE):
            queue.enqueue(
                "commands.jobs.deliver_commands", ids[start : start + JOB_SIZE]
            )
    except RedisError as error:
        logger.warning("%d commands wait for Redis: %s", len(ids), error)


def deliver_commands(ids: Sequence[int]) -> None:
    """Ring at the chargers of these commands, as far as they still wait."""
    ring(Charger.objects.filter(commands__in=ids, commands__status__in=WAITING))


# --- The ledger of chargers.delivery: whoever holds the charger -----------------------


def claim_commands(charger_ids: Sequence[str]) -> list[Instruction]:
    """Mark the next waiting command of each charger received, and return them."""
    now = timezone.now()
    chargers = ", ".join(["%s"] * len(charger_ids))
    with connection.cursor() as cursor:
        cursor.execute(
            _CLAIM.format(chargers=chargers),
            [Status.RECEIVED, now, *charger_ids, *WAITING, now, *WAITING],
        )
        return [_instruction(*row) for row in cursor.fetchall()]


# One statement, as the way to a charger should be short: no other claim can come between.
_CLAIM = """
    UPDATE commands_command SET status = %s, received_at = %s
    WHERE id IN (
        SELECT MIN(id) FROM commands_command
        WHERE charger_id IN ({chargers}) AND status IN (%s, %s) AND expires_at > %s
        GROUP BY charger_id
    ) AND status IN (%s, %s)
    RETURNING id, charger_id, slug, event,
        (SELECT connector_count FROM chargers_charger WHERE id = charger_id)
"""


def _instruction(
    pk: int, charger_id: str, slug: str, event_json: str, connector_count: int
) -> Instruction:
    event = json.loads(event_json)
    if COMMANDS[slug].has_connector and (
        slug != "stop-session" or "connector_id" in event
    ):
        event["connector_id"] = resolve_connector(
            event.pop("evse_id", None), event.get("connector_id"), connector_count
        )
    return Instruction(pk, charger_id, slug, event)


def defer_commands(charger_ids: Sequence[str]) -> None:
    """Note that these chargers' queued commands wait for their link."""
    Command.objects.filter(charger_id__in=charger_ids, status=Status.QUEUED).update(
        status=Status.DEFERRED, deferred_at=timezone.now()
    )


def finish_commands(outcomes: Sequence[Outcome]) -> None:
    """Record how received commands ended, and tell whoever waits for them."""
    by_pk = {outcome.pk: outcome for outcome in outcomes}
    now = timezone.now()
    with transaction.atomic():
        received = Command.objects.select_for_update().filter(
            pk__in=by_pk, status=Status.RECEIVED
        )
        ended = dict(received.order_by().values_list("pk", "charger_id"))
        outcomes = [by_pk[pk] for pk in ended]
        update_rows(
            Command,
            ("status", "result", "detail", "finished_at", "id"),
            [(end.status, end.result, end.detail, now, end.pk) for end in outcomes],
        )
    _announce(list(by_pk))
    changes.announce(ended.values())


def abandon_commands(charger_ids: Sequence[str]) -> None:
    """Fail what an earlier holder of these chargers had received and not finished."""
    _end(
        Command.objects.filter(charger_id__in=charger_ids, status=Status.RECEIVED),
        Status.FAILED,
        "Interrupted: the process that ran it stopped. It may have taken effect.",
    )


# --- Results --------------------------------------------------------------------------


def wait_for_commands(commands: Sequence[Command], timeout: float) -> list[Command]:
    """Return the commands when all are final, or after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    ids = [command.pk for command in commands]
    if not ids:
        return []
    open_ids = set(ids)
    with redis_client().pubsub(ignore_subscribe_messages=True) as pubsub:
        _subscribe(pubsub, ids)
        looked_at = 0.0
        while open_ids and (left := deadline - time.monotonic()) > 0:
            if time.monotonic() - looked_at >= RECHECK:
                final = Command.objects.filter(pk__in=open_ids, status__in=FINAL)
                open_ids -= set(final.values_list("pk", flat=True))
                looked_at = time.monotonic()
            elif (pk := _next_announced(pubsub, min(left, RECHECK))) is not None:
                open_ids.discard(pk)
    found = Command.objects.select_related("charger").in_bulk(ids)
    return [found[pk] for pk in ids if pk in found]


def give_up(command: Command) -> Command:
    """Expire a command whose caller no longer waits, unless its charger has it."""
    _end(
        Command.objects.filter(pk=command.pk, status__in=WAITING),
        Status.EXPIRED,
        "The charger did not take it while its caller waited.",
    )
    command.refresh_from_db()
    return command


def _subscribe(pubsub: PubSub, ids: Sequence[int]) -> None:
    try:
        pubsub.subscribe(*(_channel_of(pk) for pk in ids))
    except RedisError as error:
        logger.warning("results are looked up without Redis: %s", error)


def _next_announced(pubsub: PubSub, timeout: float) -> int | None:
    """The next command announced as final; None after ``timeout`` seconds without."""
    try:
        message = pubsub.get_message(timeout=timeout)
    except (RedisError, RuntimeError):  # RuntimeError: never subscribed
        time.sleep(min(timeout, 0.5))
        return None
    return int(message["channel"].rsplit(b":", 1)[1]) if message else None


def _announce(ids: Sequence[int]) -> None:
    try:
        with redis_client().pipeline(transaction=False) as pipe:
            for pk in ids:
                pipe.publish(_channel_of(pk), b"final")
            pipe.execute()
    except RedisError as error:
        logger.warning("results could not be announced: %s", error)


def _channel_of(pk: int) -> str:
    return f"ocpplab:command:{pk}"


# --- The sweep: what no other process has settled -------------------------------------


def sweep_commands() -> None:
    """Ring again for what waits, and end what is overdue. Run every few seconds."""
    now = timezone.now()
    _end(
        Command.objects.filter(status__in=WAITING, expires_at__lte=now),
        Status.EXPIRED,
        "The charger did not take it in time.",
    )
    grace = timedelta(seconds=settings.COMMAND_TIMEOUT + 30)
    _end(
        Command.objects.filter(status=Status.RECEIVED, received_at__lt=now - grace),
        Status.FAILED,
        "No result was reported in time. It may have taken effect.",
    )
    stale = Q(status=Status.QUEUED, enqueued_at__lt=now - RING_AGAIN_AFTER) | Q(
        status=Status.DEFERRED, charger__is_online=True
    )
    ring(Charger.objects.filter(commands__in=Command.objects.filter(stale).order_by()))


def stop_due_sessions() -> None:
    """Tell physical chargers to stop the sessions that have reached their limit."""
    for limit, running in limits.find_due():
        command = limit.command
        try:
            submit_commands(
                organization=command.organization,
                definition=COMMANDS["stop-transaction"],
                target=Target(charger_id=command.charger_id),
                event={"transaction_id": running.transaction_id},
                actor=Actor(
                    Origin(command.origin),
                    f"limit of {command.command_id}",
                    command.user,
                    command.token,
                ),
            )
        except CommandError as error:
            logger.info("%s cannot be stopped yet: %s", command.charger, error)
        else:
            limits.settle(limit)


def delete_old_commands() -> None:
    """Drop commands past their retention."""
    age = timedelta(days=settings.COMMAND_RETENTION_DAYS)
    Command.objects.filter(enqueued_at__lt=timezone.now() - age).exclude(
        status__in=(*WAITING, Status.RECEIVED)
    ).delete()


def _end(commands: QuerySet[Command], status: Status, detail: str) -> None:
    """End open commands; a compare-and-set, since the filter is part of the update."""
    ended = dict(commands.values_list("pk", "charger_id"))
    if ended:
        commands.filter(pk__in=ended).update(
            status=status, detail=detail, finished_at=timezone.now()
        )
        _announce(list(ended))
        changes.announce(ended.values())
