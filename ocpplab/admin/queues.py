"""The RQ dashboard: of the installation, so for superusers."""

from functools import wraps
from typing import Any

import django_rq.admin
from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from ocpplab.access import access_of

admin.site.unregister(django_rq.admin.models.Dashboard)


@admin.register(django_rq.admin.models.Dashboard)
class QueueAdmin(django_rq.admin.QueueAdmin):
    """django-rq lets any staff member see and change its queues."""

    menu = ("Administration", 6)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return access_of(request).is_superuser

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return access_of(request).is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return access_of(request).is_superuser

    def get_urls(self) -> list[Any]:
        patterns = super().get_urls()
        for pattern in patterns:
            pattern.callback = superusers_only(pattern.callback)
        return patterns


def superusers_only(view: Any) -> Any:
    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if not access_of(request).is_superuser:
            raise PermissionDenied
        response: HttpResponse = view(request, *args, **kwargs)
        return response

    return wrapper
