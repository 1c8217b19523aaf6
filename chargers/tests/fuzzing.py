"""Frames that nobody should send: valid ones gone wrong, and worse. By seed, so that what
is found once is found again.
"""

import copy
import json
import random
from typing import Any

from chargers.ocpp.messages import SENT_BY_CHARGERS
from chargers.ocpp.schemas import actions
from chargers.ocpp.versions import Version
from chargers.tests.negative_cases import valid_payload

VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1.5,
    2**31,
    2**63,
    -(2**70),
    10**400,
    1e308,
    "",
    "x",
    "x" * 300,
    "é😀" * 40,
    "\0",
    "\ud83d",
    "1",
    "NaN",
    "2026-01-01T00:00:00Z",
    "9999-12-31T23:59:59+14:00",
    "0001-01-01T00:00:00-14:00",
    "2026-06-30T23:59:60Z",
    [],
    [[]],
    [None] * 50,
    {},
    {"": ""},
]


class Fuzzer:
    def __init__(self, seed: int, version: Version = Version.V16) -> None:
        self.random = random.Random(seed)
        self.version = version
        self.sent = sorted(SENT_BY_CHARGERS[version])
        self.all = sorted(actions(version))

    def frame(self) -> str | bytes:
        """The next frame to send."""
        make = self.random.choices(
            [
                self._valid,
                self._wrong_payload,
                self._wrong_frame,
                self._wrong_text,
                self._answer,
                self._garbage,
                self._huge,
            ],
            [2, 8, 4, 6, 2, 3, 1],
        )[0]
        return make()

    def _call(self) -> list[Any]:
        action = self.random.choice(self.sent)
        message_id = f"{self.random.getrandbits(64):x}"
        return [
            2,
            message_id,
            action,
            copy.deepcopy(valid_payload(self.version, action)),
        ]

    def _valid(self) -> str:
        return json.dumps(self._call())

    def _wrong_payload(self) -> str:
        frame = self._call()
        for _ in range(self.random.randint(1, 3)):
            self._spoil(frame, 3)
        return self._dump(frame)

    def _wrong_frame(self) -> str:
        frame = self._call()
        match self.random.randrange(5):
            case 0:
                frame[self.random.randrange(4)] = self.random.choice(VALUES)
            case 1:
                del frame[self.random.randrange(4)]
            case 2:
                frame.insert(self.random.randrange(5), self.random.choice(VALUES))
            case 3:
                frame[2] = self.random.choice([*self.all, frame[2].lower(), "Nonsense"])
            case 4:
                self.random.shuffle(frame)
        return self._dump(frame)

    def _wrong_text(self) -> str:
        text = self._valid()
        at = self.random.randrange(len(text))
        end = self.random.randrange(at, len(text))
        match self.random.randrange(5):
            case 0:
                return text[:at]
            case 1:
                return text[:at] + text[end:]
            case 2:
                return text[:end] + text[at:]
            case 3:
                odd = self.random.choice(
                    ['"', "{", "}", "[", "]", ",", ":", "\\", "\ufeff"]
                )
                return text[:at] + odd + text[at:]
        return text[:at] + chr(self.random.randrange(32, 0xD800)) + text[at + 1 :]

    def _answer(self) -> str:
        kind, message_id = self.random.choice([3, 4, 5, 6]), str(self.random.random())
        rest = [self.random.choice(VALUES) for _ in range(self.random.randrange(5))]
        return self._dump([kind, message_id, *rest])

    def _garbage(self) -> str | bytes:
        length = self.random.randrange(200)
        noise = self.random.randbytes(length)
        if self.random.random() < 0.5:
            return noise
        return noise.decode("latin1")

    def _huge(self) -> str:
        size = self.random.randrange(1000, 60_000)
        match self.random.randrange(4):
            case 0:
                return "[" * size
            case 1:
                deep = self.random.randrange(50, 1000)
                return f'[2,"7","DataTransfer",{{"vendorId":{"[" * deep}{"]" * deep}}}]'
            case 2:
                members = {f"more{number}": number for number in range(size // 20)}
                return self._dump([2, "7", "Heartbeat", members])
        return self._dump(
            [2, "7", "DataTransfer", {"vendorId": "x", "data": "y" * size}]
        )

    def _spoil(self, holder: Any, key: Any) -> None:
        """Spoil something somewhere within ``holder[key]``."""
        part = holder[key]
        if isinstance(part, dict | list) and part and self.random.random() < 0.8:
            inner = list(part) if isinstance(part, dict) else range(len(part))
            self._spoil(part, self.random.choice(list(inner)))
            return
        match self.random.randrange(4):
            case 0 if isinstance(holder, dict):
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[f"{key}x"] = holder.pop(key)
            case _:
                holder[key] = copy.deepcopy(self.random.choice(VALUES))

    def _dump(self, data: Any) -> str:
        return json.dumps(data, ensure_ascii=True)
