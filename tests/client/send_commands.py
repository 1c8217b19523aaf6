"""Sends all 18 commands with the published client, and prints each answer as JSON.

Run in the client's own environment, since its module has the name of our package:
``python send_commands.py BASE_URL TOKEN CHARGER_ID sync|async``. Commands run in the order
of their sending; where one has to show itself in the log, the log is waited for.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from ocpplab import (
    AsyncOcpplabSDK,
    AuthorizeIdTagCommandEvent,
    ChargerCommandTarget,
    ClearFaultEvent,
    CommandTarget,
    ConfigurationUpdateEvent,
    ConnectorCommandEvent,
    EmptyEvent,
    InjectFaultEvent,
    LocalAuthListEntry,
    LocalAuthListEvent,
    OcpplabSDK,
    PowerUpdateCommandEvent,
    ProxyMessageEvent,
    StartSessionCommandEvent,
    StartTransactionCommandEvent,
    StopSessionCommandEvent,
    StopTransactionCommandEvent,
)

ID_TAG = "TAG-RFID-001"
POWER_W = 5000
SECONDS = 30.0  # to wait for a message in the log
SINGLE = {  # commands that take one charger only
    "proxy_message",
    "set_configuration",
    "reset_auth_cache",
    "send_local_list",
    "clear_local_list",
    "inject_fault",
    "clear_fault",
}
FIRST = {"evse_id": 1, "connector_id": 1}


def steps() -> Iterator[tuple[str, Any]]:
    """Methods of the client and their events: two sessions, then a fault."""
    settings = {"HeartbeatInterval": "30", "MeterValueSampleInterval": "1"}
    yield "set_configuration", ConfigurationUpdateEvent(configuration=settings)
    yield "authorize_id_tag", AuthorizeIdTagCommandEvent(id_tag=ID_TAG)
    yield "reset_auth_cache", EmptyEvent()
    entries = [
        LocalAuthListEntry(id_tag=ID_TAG, expiry_date=datetime(2030, 1, 1)),
        LocalAuthListEntry(id_tag="TAG-RFID-002", parent_id_tag=None),
    ]
    yield "send_local_list", LocalAuthListEvent(list_version=2, entries=entries)
    yield "clear_local_list", EmptyEvent()
    boot = {"charge_point_vendor": "OCPPLAB", "charge_point_model": "SDK-DC-50"}
    yield (
        "proxy_message",
        ProxyMessageEvent(
            action="boot_notification", ocpp_version="ocpp1.6", payload=boot
        ),
    )
    yield "plug_connector", ConnectorCommandEvent(**FIRST)
    yield "start_transaction", StartTransactionCommandEvent(id_tag=ID_TAG, **FIRST)
    yield "power_update", PowerUpdateCommandEvent(power_w=POWER_W, **FIRST)
    yield "ev_stops_energy", ConnectorCommandEvent(connector_id=1)
    yield "ev_requests_energy", ConnectorCommandEvent(connector_id=1, evse_id=None)
    yield "stop_transaction", StopTransactionCommandEvent()
    yield "unplug_connector", ConnectorCommandEvent()
    yield (
        "start_session",
        StartSessionCommandEvent(
            id_tag=ID_TAG, connector_id=1, duration_seconds=600, target_energy_kwh=50.0
        ),
    )
    yield "unlock_connector", ConnectorCommandEvent(**FIRST)
    yield "unplug_connector", ConnectorCommandEvent()
    yield "start_session", StartSessionCommandEvent(id_tag=ID_TAG)
    yield "stop_session", StopSessionCommandEvent()
    yield "inject_fault", InjectFaultEvent(fault_type="OverCurrent", **FIRST)
    yield "clear_fault", ClearFaultEvent(**FIRST)


def target_of(method: str, charger_id: str) -> Any:
    kind = ChargerCommandTarget if method in SINGLE else CommandTarget
    return kind(charger_id=charger_id)


def show(method: str, answer: Any) -> None:
    line = {"method": method, "answer": answer.model_dump(mode="json")}
    sys.stdout.write(json.dumps(line) + "\n")


def shows_power(entries: list[Any]) -> bool:
    """Whether meter values of a charger offering ``POWER_W`` are among these."""
    return any(
        sampled.get("measurand") == "Power.Offered"
        and float(sampled["value"]) == POWER_W
        for entry in entries
        if entry.direction == "cp_to_csms"
        for value in json.loads(entry.message)[3]["meterValue"]
        for sampled in value["sampledValue"]
    )


def main(base_url: str, token: str, charger_id: str) -> None:
    client = OcpplabSDK(base_url=base_url, token=token)
    for method, event in steps():
        send = getattr(client.commands, method)
        show(method, send(target=target_of(method, charger_id), event=event))
        if method == "power_update":
            deadline = time.monotonic() + SECONDS
            while not shows_power(
                client.chargers.get_logs(charger_id, event="MeterValues").data
            ):
                assert time.monotonic() < deadline, "no meter values with that power"
                time.sleep(0.2)


async def main_async(base_url: str, token: str, charger_id: str) -> None:
    client = AsyncOcpplabSDK(base_url=base_url, token=token)
    for method, event in steps():
        send = getattr(client.commands, method)
        show(method, await send(target=target_of(method, charger_id), event=event))
        if method == "power_update":
            async with asyncio.timeout(SECONDS):
                while not shows_power(
                    (
                        await client.chargers.get_logs(charger_id, event="MeterValues")
                    ).data
                ):
                    await asyncio.sleep(0.2)


if __name__ == "__main__":
    *where, mode = sys.argv[1:]
    if mode == "async":
        asyncio.run(main_async(*where))
    else:
        main(*where)
