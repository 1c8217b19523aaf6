"""What a signed-in person may do: their role in each of their organizations."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from .models import Membership, Role, User

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Access:
    """A superuser may do anything; others what their memberships say.

    Each question is about one organization, or, without one, about any of theirs.
    """

    is_superuser: bool
    roles: Mapping[int, Role]

    @property
    def is_empty(self) -> bool:
        return not (self.is_superuser or self.roles)

    @property
    def only_organization_id(self) -> int | None:
        """The organization of somebody who is a member of just one."""
        ids = list(self.roles)
        return ids[0] if len(ids) == 1 else None

    def may_read(self, organization_id: int | None = None) -> bool:
        return self.is_superuser or bool(self._roles_in(organization_id))

    def may_command(self, organization_id: int | None = None) -> bool:
        return self.is_superuser or any(
            role.may_command for role in self._roles_in(organization_id)
        )

    def may_change(self, organization_id: int | None = None) -> bool:
        return self.is_superuser or any(
            role.may_change for role in self._roles_in(organization_id)
        )

    def scope(
        self, rows: QuerySet[M], path: str, *, to_change: bool = False
    ) -> QuerySet[M]:
        """The rows whose organization, at ``path``, this person may read or change."""
        if self.is_superuser:
            return rows
        ids = [
            pk for pk, role in self.roles.items() if role.may_change or not to_change
        ]
        return rows.filter(**{f"{path}__in": ids})

    def _roles_in(self, organization_id: int | None) -> Iterable[Role]:
        if organization_id is None:
            return self.roles.values()
        role = self.roles.get(organization_id)
        return [role] if role else []


def access_of(request: HttpRequest) -> Access:
    """The access of a request's user, looked up once a request."""
    access: Access | None = getattr(request, "_access", None)
    if access is None:
        access = _look_up(request.user)
        request._access = access  # type: ignore[attr-defined]
    return access


def _look_up(user: Any) -> Access:
    if not isinstance(user, User) or not user.is_active:
        return Access(False, {})
    if user.is_superuser:
        return Access(True, {})
    rows = Membership.objects.filter(user=user).values_list("organization_id", "role")
    return Access(False, {pk: Role(role) for pk, role in rows})
