"""DataTransfer, the same in all versions (1.6, 5.6; 2.x, P01)."""

from typing import Any

VENDOR_ID = "com.ocpplab"


def transfer_data(payload: dict[str, Any]) -> dict[str, Any]:
    """An own vendor id with one message, ``echo``, to try data transfer with."""
    if payload["vendorId"] != VENDOR_ID:
        return {"status": "UnknownVendorId"}
    if payload.get("messageId") != "echo":
        return {"status": "UnknownMessageId"}
    echo = {"data": payload["data"]} if "data" in payload else {}
    return {"status": "Accepted", **echo}
