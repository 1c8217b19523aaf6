"""Which organization a REST request acts in, and what its token may do there."""

from typing import Any, cast

from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from .models import ApiToken, Organization, Role


def organization_of(request: Request) -> Organization:
    """The organization of a request that passed ``HasOrganization``."""
    return request.organization  # type: ignore[attr-defined]


class HasToken(BasePermission):
    """Any valid token: for what belongs to no organization, as the catalog."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return isinstance(request.auth, ApiToken)


class HasOrganization(HasToken):
    """Finds the request's organization (contract, section 3).

    A user token carries it and must not send ``X-Organization-Id``; an admin token must
    (the organization's id or slug).
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        if not super().has_permission(request, view):
            return False
        token = cast(ApiToken, request.auth)
        named = request.headers.get("X-Organization-Id")
        if not token.is_admin:
            if named is not None:
                raise PermissionDenied("X-Organization-Id is for admin tokens only.")
            organization = token.organization
        elif not named:
            raise PermissionDenied(
                "An admin token must name an organization in X-Organization-Id."
            )
        else:
            by_id = named.isdecimal() and len(named) < 19
            key = {"pk": int(named)} if by_id else {"slug": named}
            organization = Organization.objects.filter(**key).first()
            if organization is None:
                raise PermissionDenied("X-Organization-Id names no organization.")
        request.organization = organization  # type: ignore[attr-defined]
        request._request.organization = organization  # type: ignore[attr-defined]
        return True


class MayChange(HasOrganization):
    """Any role reads; only an admin's token makes, changes and removes."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not super().has_permission(request, view):
            return False
        is_read = request.method in SAFE_METHODS
        if not is_read and not Role(cast(ApiToken, request.auth).role).may_change:
            raise PermissionDenied("Only a token of the role admin may change this.")
        return True


class MayCommand(HasOrganization):
    """The token's role sends commands."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not super().has_permission(request, view):
            return False
        if not Role(cast(ApiToken, request.auth).role).may_command:
            raise PermissionDenied("The token's role may only read.")
        return True
