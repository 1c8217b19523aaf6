"""What drivers are shown, and what a charger knows of them."""

from typing import Any

import pytest

from ...tests.csms import Bench, until
from .test_requests import TOKEN, status_of
from .test_sessions import events
from .test_variables import element, get


def message(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": number,
        "priority": "NormalCycle",
        "message": {"format": "UTF8", "content": "Welcome"},
        **fields,
    }


async def show(bench: Bench, sent: dict[str, Any]) -> str:
    return await status_of(bench, "SetDisplayMessage", message=sent)


async def shown(bench: Bench, **payload: Any) -> list[int]:
    bench.csms.forget()
    if (
        await status_of(bench, "GetDisplayMessages", requestId=2, **payload)
        == "Unknown"
    ):
        return []
    await until(lambda: bench.csms.payloads("NotifyDisplayMessages"))
    (told,) = bench.csms.payloads("NotifyDisplayMessages")
    assert told["requestId"] == 2
    return [sent["id"] for sent in told["messageInfo"]]


async def test_messages_are_shown_listed_and_cleared(ready: Bench) -> None:
    assert await shown(ready) == []
    assert await show(ready, message(1)) == "Accepted"
    assert await show(ready, message(2, priority="AlwaysFront")) == "Accepted"
    assert await show(ready, message(3, priority="AlwaysFront")) == "Accepted"
    assert await shown(ready) == [1, 3]
    assert await shown(ready, priority="AlwaysFront") == [3]
    assert await shown(ready, id=[1, 7]) == [1]
    (count,) = await get(ready, element("DisplayMessageCtrlr.DisplayMessages"))
    assert count["attributeValue"] == "2"
    assert await status_of(ready, "ClearDisplayMessage", id=1) == "Accepted"
    assert await status_of(ready, "ClearDisplayMessage", id=1) == "Unknown"
    await ready.kill()
    await ready.power_on(connectors=2)
    assert await shown(ready) == [3]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (message(1, endDateTime="2025-01-01T00:00:00Z"), "Rejected"),
        (message(1, transactionId="X"), "UnknownTransaction"),
    ],
)
async def test_a_message_is_refused(
    ready: Bench, sent: dict[str, Any], status: str
) -> None:
    assert await show(ready, sent) == status


async def test_a_message_goes_with_its_transaction(ready: Bench) -> None:
    await ready.perform("start-session", id_tag="TAG")
    transaction_id = events(ready)[0]["transactionInfo"]["transactionId"]
    assert await show(ready, message(1, transactionId=transaction_id)) == "Accepted"
    assert (
        await ready.csms.call(
            "CostUpdated", {"totalCost": 1.5, "transactionId": transaction_id}
        )
        == {}
    )
    await ready.perform("stop-session")
    assert await shown(ready) == []


async def inform(bench: Bench, **payload: Any) -> str:
    bench.csms.forget()
    return await status_of(
        bench,
        "CustomerInformation",
        **{"requestId": 6, "report": True, "clear": False, **payload},
    )


async def test_what_is_known_of_a_customer_is_told_and_cleared(ready: Bench) -> None:
    async def told() -> str:
        await until(lambda: ready.csms.payloads("NotifyCustomerInformation"))
        (part,) = ready.csms.payloads("NotifyCustomerInformation")
        assert (part["requestId"], part["seqNo"], part["tbc"]) == (6, 0, False)
        return str(part["data"])

    await ready.perform("authorize-id-tag", id_tag="TAG")
    assert await inform(ready, idToken=TOKEN) == "Accepted"
    assert "TAG Accepted" in await told()
    assert await inform(ready, idToken=TOKEN, clear=True, report=False) == "Accepted"
    assert await told() == ""
    assert ready.charger.cache.find("TAG") is None
    assert await inform(ready, customerIdentifier="Ada") == "Accepted"
    assert await told() == ""
    assert await inform(ready) == "Invalid"
    assert await inform(ready, idToken=TOKEN, report=False) == "Rejected"
