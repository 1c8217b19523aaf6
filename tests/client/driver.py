"""Calls operations of the published client, one for each line of standard input.

Run in the client's own environment: ``python driver.py BASE_URL TOKEN sync|async``. A
line names an operation with its arguments; the line printed has the answer, or the error
that the client raised.
"""

import asyncio
import inspect
import json
import sys
from operator import attrgetter
from typing import Any

from ocpplab import AsyncOcpplabSDK, OcpplabSDK


def plain(value: Any) -> Any:
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else value


async def call(client: Any, line: str) -> dict[str, Any]:
    asked = json.loads(line)
    try:
        answer = attrgetter(asked["operation"])(client)(
            *asked["args"], **asked["kwargs"]
        )
        if inspect.isawaitable(answer):
            answer = await answer
    except Exception as error:
        body = getattr(error, "body", None)
        detail = body.get("detail") if isinstance(body, dict) else body.detail
        return {"error": type(error).__name__, "detail": plain(detail)}
    return {"answer": plain(answer)}


async def main(base_url: str, token: str, mode: str) -> None:
    kind = AsyncOcpplabSDK if mode == "async" else OcpplabSDK
    client = kind(base_url=base_url, token=token)
    for line in sys.stdin:
        sys.stdout.write(json.dumps(await call(client, line)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
