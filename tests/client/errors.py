"""Provokes errors with the published client, and prints which ones it raises.

Run in the client's own environment: ``python errors.py BASE_URL TOKEN CHARGER_ID``. A
body that does not fit the client's types would show as a ParsingError.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

from ocpplab import (
    ChargerCommandTarget,
    CommandTarget,
    ConnectorCommandEvent,
    OcpplabSDK,
    ProxyMessageEvent,
)


def main(base_url: str, token: str, charger_id: str) -> None:
    client = OcpplabSDK(base_url=base_url, token=token)
    stranger = OcpplabSDK(base_url=base_url, token="nonsense")
    intruder = OcpplabSDK(base_url=base_url, token=token, organization_id="demo")
    event = ConnectorCommandEvent()
    message = ProxyMessageEvent(action="fly", ocpp_version="ocpp1.6", payload={})
    attempts: dict[str, Callable[[], Any]] = {
        "bad request": lambda: client.commands.proxy_message(
            target=ChargerCommandTarget(charger_id=charger_id), event=message
        ),
        "no token": lambda: stranger.chargers.list(),
        "organization named": lambda: intruder.chargers.list(),
        "unknown charger": lambda: client.chargers.get("dep-000000000000"),
        "unknown target": lambda: client.commands.plug_connector(
            target=CommandTarget(charger_id="dep-000000000000"), event=event
        ),
        "no target": lambda: client.commands.plug_connector(
            target=CommandTarget(), event=event
        ),
        "empty subset": lambda: client.commands.plug_connector(
            target=CommandTarget(location_id="x", charger_ids=[]), event=event
        ),
        "page": lambda: client.chargers.list(page=0),
    }
    raised = {}
    for name, attempt in attempts.items():
        try:
            attempt()
        except Exception as error:
            body = getattr(error, "body", None)
            detail = body.get("detail") if isinstance(body, dict) else body.detail
            raised[name] = {"error": type(error).__name__, "detail": plain(detail)}
    json.dump(raised, sys.stdout)


def plain(detail: Any) -> Any:
    if isinstance(detail, list):
        return [
            item.model_dump(mode="json") if hasattr(item, "model_dump") else item
            for item in detail
        ]
    return detail


if __name__ == "__main__":
    main(*sys.argv[1:])
