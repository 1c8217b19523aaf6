"""The portal, with its SQL statements counted for the bench (``BENCH_COUNTER``)."""

import mmap
import os
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

_COUNT = struct.Struct("Q")


def statements(counter: Path) -> int:
    """How many statements a server that counts has given to the driver so far."""
    if not counter.exists():
        return 0
    count: int = _COUNT.unpack(counter.read_bytes())[0]
    return count


def _count_into(counter: Path) -> None:
    from django.db.backends.signals import connection_created

    counter.write_bytes(_COUNT.pack(0))
    with counter.open("r+b") as file:
        shared = mmap.mmap(file.fileno(), _COUNT.size)
    lock = threading.Lock()

    def count(
        execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        with lock:
            _COUNT.pack_into(shared, 0, _COUNT.unpack_from(shared)[0] + 1)
        return execute(sql, params, many, context)

    def watch(connection: Any, **kwargs: Any) -> None:
        if count not in connection.execute_wrappers:
            connection.execute_wrappers.append(count)

    connection_created.connect(watch, weak=False)


if "BENCH_COUNTER" in os.environ:
    _count_into(Path(os.environ["BENCH_COUNTER"]))
    from ocpplab.asgi import application  # noqa: F401
