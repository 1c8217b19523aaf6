"""The commands, each declared once (the tour starts here).

From a declaration come the REST route and its schema, the admin form, the sub-command
of ``manage.py send`` and the table in the docs. What a virtual charger does with a
command is its method of the same name (``chargers.virtual``); what a physical one is
sent is in ``chargers.csms``. Wire format: contract, section 10.
"""

import re
from dataclasses import dataclass, field

from django.db import models
from rest_framework import serializers

from ocpplab.serializers import (
    CharField,
    FloatField,
    IntegerField,
    ObjectField,
    StrictSerializer,
)

ID_TAG_LIMIT = 36  # 2.x; 1.6 takes 20


class FaultType(models.TextChoices):
    """What inject-fault can do to a connector (contract, 10.2)."""

    GROUND_FAULT = "GroundFault", "Ground fault"
    OVER_CURRENT = "OverCurrent", "Over-current"
    OVER_VOLTAGE = "OverVoltage", "Over-voltage"
    UNDER_VOLTAGE = "UnderVoltage", "Under-voltage"
    OVER_TEMPERATURE = "OverTemperature", "Over-temperature"
    INTERNAL_ERROR = "InternalError", "Internal error"
    CONNECTOR_LOCK_FAILURE = "ConnectorLockFailure", "Connector lock failure"
    EV_COMMUNICATION_ERROR = "EVCommunicationError", "EV communication error"
    POWER_METER_FAILURE = "PowerMeterFailure", "Power meter failure"
    WEAK_SIGNAL = "WeakSignal", "Weak signal"


class Event(StrictSerializer):
    """The body of a command. The base class has no fields."""


def _connector_number(help_text: str) -> IntegerField:
    return IntegerField(
        min_value=1, max_value=255, required=False, allow_null=True, help_text=help_text
    )


def _id_tag() -> CharField:
    return CharField(max_length=ID_TAG_LIMIT, help_text="Such as TAG-RFID-001.")


class ConnectorEvent(Event):
    evse_id = _connector_number("EVSE; 1 when left out.")
    connector_id = _connector_number("Connector; 1 when left out.")


class ProxyMessageEvent(Event):
    action = CharField(
        max_length=50, help_text="OCPP action in snake case, such as boot_notification."
    )
    ocpp_version = serializers.ChoiceField(
        ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"], help_text="The version the charger speaks."
    )
    payload = ObjectField(help_text='OCPP payload; {"vendor_id": …} or camelCase keys.')


class ConfigurationEvent(Event):
    configuration = ObjectField(
        child=CharField(max_length=500, allow_blank=True),
        allow_empty=False,
        help_text='OCPP keys and values, such as {"HeartbeatInterval": "30"}.',
    )


class LocalListEntry(StrictSerializer):
    id_tag = _id_tag()
    expiry_date = serializers.DateTimeField(required=False, allow_null=True)
    parent_id_tag = CharField(
        max_length=ID_TAG_LIMIT, required=False, allow_null=True, allow_blank=True
    )


class LocalListEvent(Event):
    list_version = IntegerField(
        min_value=1,
        max_value=2**31 - 1,
        help_text="Higher than the charger's present list version.",
    )
    entries = serializers.ListField(
        child=LocalListEntry(),
        max_length=10_000,
        help_text="The whole list: it replaces the old one.",
    )


class FaultEvent(ConnectorEvent):
    fault_type = serializers.ChoiceField(
        FaultType.choices, help_text="What goes wrong."
    )


class IdTagEvent(Event):
    id_tag = _id_tag()


class StartTransactionEvent(ConnectorEvent):
    id_tag = _id_tag()


class StopTransactionEvent(Event):
    transaction_id = CharField(
        max_length=36,
        required=False,
        allow_null=True,
        help_text="The running transaction when left out.",
    )


class StartSessionEvent(Event):
    id_tag = _id_tag()
    connector_id = _connector_number("Connector; 1 when left out.")
    duration_seconds = IntegerField(
        min_value=1,
        max_value=10**8,
        required=False,
        allow_null=True,
        help_text="Stop after this time, s.",
    )
    target_energy_kwh = FloatField(
        min_value=0.001,
        max_value=10**5,
        required=False,
        allow_null=True,
        help_text="Stop when this much is delivered, kWh.",
    )


class StopSessionEvent(Event):
    connector_id = _connector_number("Connector; the charging one when left out.")


class PowerUpdateEvent(ConnectorEvent):
    power_w = IntegerField(
        min_value=0, max_value=10**7, help_text="Power offered to the EV, W."
    )


# Answers of the commands that wait for their result (contract, 10.2).


class ConfigurationResult(serializers.Serializer):
    status = serializers.CharField()
    configured = serializers.ListField(child=serializers.CharField())
    msg = serializers.CharField()


class CacheResult(serializers.Serializer):
    msg = serializers.CharField()
    cleared_entries = serializers.IntegerField()


class LocalListResult(serializers.Serializer):
    status = serializers.CharField(required=False)
    list_version = serializers.IntegerField(required=False)
    entries_received = serializers.IntegerField(required=False)
    msg = serializers.CharField(required=False)
    entries_deleted = serializers.IntegerField(required=False)


class FaultResult(serializers.Serializer):
    msg = serializers.CharField()
    fault_type = serializers.CharField(required=False, allow_null=True)
    evse_id = serializers.IntegerField(required=False, allow_null=True)
    connector_id = serializers.IntegerField(required=False, allow_null=True)
    status = serializers.CharField(required=False, allow_null=True)


@dataclass(frozen=True)
class Definition:
    """One command.

    ``fan_out``: takes a location or a part of it as target, not only one charger.
    ``result``: the answer, for a command whose caller waits; the others are queued.
    ``physical``: whether our endpoint can have a physical charger do it.
    ``refusal_status``: HTTP status when the charger refuses a waited-for command.
    """

    slug: str
    summary: str
    event: type[Event] = Event
    fan_out: bool = False
    result: type[serializers.Serializer] | None = None
    physical: bool = False
    refusal_status: int = field(default=422)

    @property
    def label(self) -> str:
        words = self.slug.replace("/", " ").replace("-", " ").capitalize()
        return re.sub(r"\bev\b", "EV", words, flags=re.IGNORECASE)

    @property
    def name(self) -> str:
        """As an identifier: also the event_type, and the virtual charger's method."""
        return self.slug.replace("/", "_").replace("-", "_")

    @property
    def has_connector(self) -> bool:
        return "connector_id" in self.event().fields

    def event_type(self, event: dict[str, object]) -> str:
        """What the API calls it; proxy-message goes by the action it sends."""
        return str(event["action"]) if self.slug == "proxy-message" else self.name


DEFINITIONS = (
    Definition(
        "proxy-message",
        "Have the charger send one OCPP message to its CSMS",
        ProxyMessageEvent,
        refusal_status=400,
    ),
    Definition(
        "configuration",
        "Change OCPP configuration keys",
        ConfigurationEvent,
        result=ConfigurationResult,
        physical=True,
        refusal_status=400,
    ),
    Definition(
        "cache/reset",
        "Empty the authorization cache",
        result=CacheResult,
        physical=True,
    ),
    Definition(
        "local-auth-list",
        "Replace the local authorization list",
        LocalListEvent,
        result=LocalListResult,
        physical=True,
        refusal_status=400,
    ),
    Definition(
        "clear-local-auth-list",
        "Empty the local authorization list",
        result=LocalListResult,
        physical=True,
    ),
    Definition(
        "inject-fault", "Put a connector in fault", FaultEvent, result=FaultResult
    ),
    Definition(
        "clear-fault", "End a connector's fault", ConnectorEvent, result=FaultResult
    ),
    Definition("plug-connector", "Plug the cable in", ConnectorEvent, fan_out=True),
    Definition(
        "unplug-connector",
        "Pull the cable out; ends a running transaction",
        ConnectorEvent,
        fan_out=True,
    ),
    Definition(
        "unlock-connector",
        "Unlock the connector; ends a running transaction",
        ConnectorEvent,
        fan_out=True,
        physical=True,
    ),
    Definition(
        "start-transaction",
        "Start a transaction on a connector whose cable is in",
        StartTransactionEvent,
        fan_out=True,
        physical=True,
    ),
    Definition(
        "stop-transaction",
        "Stop a transaction; the cable stays in",
        StopTransactionEvent,
        fan_out=True,
        physical=True,
    ),
    Definition(
        "start-session",
        "Plug in, authorize and charge, to a limit if one is given",
        StartSessionEvent,
        fan_out=True,
        physical=True,
    ),
    Definition(
        "stop-session",
        "Stop the transaction and pull the cable out",
        StopSessionEvent,
        fan_out=True,
        physical=True,
    ),
    Definition(
        "authorize-id-tag",
        "Ask the CSMS whether an id tag may charge",
        IdTagEvent,
        fan_out=True,
    ),
    Definition(
        "ev-requests-energy", "The EV takes energy", ConnectorEvent, fan_out=True
    ),
    Definition(
        "ev-stops-energy",
        "The EV takes no more energy; the transaction stays open",
        ConnectorEvent,
        fan_out=True,
    ),
    Definition(
        "power-update",
        "Change the power offered to the EV",
        PowerUpdateEvent,
        fan_out=True,
        physical=True,
    ),
)

COMMANDS = {definition.slug: definition for definition in DEFINITIONS}
