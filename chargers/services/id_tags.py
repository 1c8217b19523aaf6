"""Id tags, and what chargers are told of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Lower
from django.utils import timezone

from chargers.models import IdTag

ACCEPTED = "Accepted"


@dataclass(frozen=True, slots=True)
class Authorization:
    """The verdict on an id tag: Accepted, Blocked, Expired, Invalid, ConcurrentTx."""

    status: str
    parent_id_tag: str = ""
    expires_at: datetime | None = None


class Presented(NamedTuple):
    """An id tag, held to a charger of an organization."""

    organization_id: int
    id_tag: str

    @property
    def key(self) -> tuple[int, str]:
        """The same for all spellings of one id tag (OCPP 1.6, CiString20)."""
        return self.organization_id, self.id_tag.lower()


RFID = "ISO14443"
NO_AUTHORIZATION = "NoAuthorization"  # no token: a start button was pressed (C02)


@dataclass(frozen=True, slots=True)
class Token:
    """2.x ``idToken``: an id tag that says of what type it is."""

    organization_id: int
    id_tag: str
    type: str

    @property
    def presented(self) -> Presented:
        return Presented(self.organization_id, self.id_tag)

    def authorization(self, tags: Mapping[tuple[int, str], IdTag]) -> Authorization:
        """The verdict on it; what does not exist is Unknown (2.0.1, C01)."""
        if self.type == NO_AUTHORIZATION:
            return Authorization(ACCEPTED)
        tag = tags.get(self.presented.key)
        if tag is None or tag.type not in ("", self.type):
            return Authorization("Unknown")
        return authorization_of(tag)


def token_types(organization_id: int, id_tags: Iterable[str]) -> dict[str, str]:
    """Of what type each id tag is where OCPP wants to know: an RFID card, else."""
    presented = [Presented(organization_id, id_tag) for id_tag in id_tags]
    tags = find_id_tags(presented)
    return {
        one.id_tag: (tags[one.key].type if one.key in tags else "") or RFID
        for one in presented
    }


def authorize_tokens(tokens: Sequence[Token]) -> list[Authorization]:
    """Whether each token may charge in its organization."""
    tags = find_id_tags(token.presented for token in tokens)
    return [token.authorization(tags) for token in tokens]


def authorize_all(presented: Sequence[Presented]) -> list[Authorization]:
    """Whether each id tag may charge in its organization (OCPP 1.6, 4.1)."""
    tags = find_id_tags(presented)
    return [authorization_of(tags.get(one.key)) for one in presented]


def find_id_tags(presented: Iterable[Presented]) -> dict[tuple[int, str], IdTag]:
    """The id tags that exist, by the ``key`` of what was presented."""
    keys = {one.key for one in presented}
    if not keys:
        return {}
    found = IdTag.objects.alias(lower=Lower("id_tag")).filter(
        organization_id__in={organization_id for organization_id, _ in keys},
        lower__in={lower for _, lower in keys},
    )
    return {Presented(tag.organization_id, tag.id_tag).key: tag for tag in found}


def authorization_of(tag: IdTag | None, *, is_charging: bool = False) -> Authorization:
    """The verdict on an id tag, with which a transaction runs already or not."""
    if tag is None:
        return Authorization("Invalid")
    if tag.is_blocked:
        status = "Blocked"
    elif tag.is_expired(timezone.now()):
        status = "Expired"
    elif is_charging and not tag.allows_concurrent:
        status = "ConcurrentTx"
    else:
        status = ACCEPTED
    return Authorization(status, tag.parent_id_tag, tag.expires_at)


# --- Many at once, from a file --------------------------------------------------------

IMPORTED = ["type", "parent_id_tag", "is_blocked", "expires_at", "allows_concurrent"]


def fault_of(tag: IdTag) -> str:
    """What is wrong with an id tag that is not stored yet; empty where nothing is."""
    try:
        tag.clean_fields(exclude=["organization"])
    except ValidationError as error:
        return " ".join(error.messages)
    return ""


@transaction.atomic
def save_id_tags(tags: Sequence[IdTag]) -> None:
    """Store id tags, each once; those that exist are changed."""
    known = find_id_tags(Presented(tag.organization_id, tag.id_tag) for tag in tags)
    changed, new = [], []
    for tag in tags:
        row = known.get(Presented(tag.organization_id, tag.id_tag).key)
        if row is None:
            new.append(tag)
            continue
        for name in IMPORTED:
            setattr(row, name, getattr(tag, name))
        changed.append(row)
    IdTag.objects.bulk_create(new, batch_size=500)
    IdTag.objects.bulk_update(changed, IMPORTED, batch_size=500)
