"""What a charger knows of a customer, told and cleared (2.x, N09, N10)."""

from typing import TYPE_CHECKING

from ...ocpp.session import Reply
from ..clock import format_time
from ..protocol import Handler, Payload
from .tokens import id_tag_of

if TYPE_CHECKING:
    from ..charger import VirtualCharger
    from .protocol import ProtocolV2


TEXT_SIZE = 512  # characters of one part


class CustomerRequests:
    """A customer is an id token here; nothing is known of others."""

    def __init__(self, charger: "VirtualCharger", protocol: "ProtocolV2") -> None:
        self._charger = charger
        self.handlers: dict[str, Handler] = {"CustomerInformation": self._inform}

    def _inform(self, payload: Payload) -> Payload | Reply:
        named = {"customerIdentifier", "idToken", "customerCertificate"} & set(payload)
        if not (payload["report"] or payload["clear"]):
            return {"status": "Rejected"}  # N09.FR.07
        if len(named) != 1:
            return {"status": "Invalid"}  # N09.FR.09
        id_tag = id_tag_of(payload["idToken"]) if "idToken" in payload else None
        lines = self._lines(id_tag) if payload["report"] and id_tag else []
        if payload["clear"] and id_tag is not None:
            self._charger.cache.forget(id_tag)
            self._charger.flash.touch()
        text = "\n".join(lines)

        def notify() -> None:
            self._charger.spawn(self._notify(text, payload["requestId"]))

        return Reply({"status": "Accepted"}, then=notify)

    async def _notify(self, text: str, request_id: int) -> None:
        """In parts; an empty one says that there is nothing (N09.FR.05, N10.FR.03)."""
        chunks = [text[i : i + TEXT_SIZE] for i in range(0, len(text), TEXT_SIZE)]
        for number, chunk in enumerate(chunks or [""]):
            told = {
                "data": chunk,
                "tbc": number + 1 < len(chunks),
                "seqNo": number,
                "generatedAt": format_time(self._charger.clock.now()),
                "requestId": request_id,
            }
            await self._charger.uplink.call("NotifyCustomerInformation", told)

    def _lines(self, id_tag: str) -> list[str]:
        lines = []
        for name, found in (
            ("authorization cache", self._charger.cache.find(id_tag)),
            ("local list", self._charger.local_list.find(id_tag)),
        ):
            if found is not None:
                lines.append(f"{name}: {id_tag} {found.get('status')}")
        for connector in self._charger.outlets:
            transaction = connector.transaction
            if transaction is not None and (
                transaction.id_tag.casefold() == id_tag.casefold()
            ):
                lines.append(f"transaction {transaction.id}: EVSE {connector.number}")
        return lines
