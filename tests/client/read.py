"""Reads all there is with the published client, and prints it as JSON.

Run in the client's own environment: ``python read.py BASE_URL TOKEN``.
"""

import json
import sys
from typing import Any

from ocpplab import OcpplabSDK


def main(base_url: str, token: str) -> None:
    client = OcpplabSDK(base_url=base_url, token=token)
    chargers = client.chargers.list(limit=100)
    locations = client.locations.list(page=1)
    charger = next(charger for charger in chargers.data if charger.location_id)
    location = client.locations.get(str(charger.location_id))
    brands = client.catalog.list_brands()
    shown: dict[str, Any] = {
        "health": client.health.health_check(),
        "landing": client.health.landing_page(),
        "chargers": chargers,
        "charger": client.chargers.get(charger.id),
        "status": client.chargers.get_status(charger.id),
        "logs": client.chargers.get_logs(charger.id, limit=10, offset=0),
        "locations": locations,
        "location": location,
        "location_chargers": client.location_chargers.list(
            location.id, charger_ids=[charger.id]
        ),
        "brands": brands,
        "models": client.catalog.list_models("wallbox"),
        "model": client.catalog.get_model("wallbox", "wallbox-pulsar-plus"),
    }
    plain = {
        name: value.model_dump(mode="json") if hasattr(value, "model_dump") else value
        for name, value in shown.items()
    }
    json.dump(plain, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
