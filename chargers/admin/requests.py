"""The page "Send an OCPP request" of a charger: any request of its OCPP version."""

import json
from typing import Any

from django import forms
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path

from chargers.choices import Origin, RequestOutcome
from chargers.errors import RequestError
from chargers.models import Charger
from chargers.ocpp.schemas import schema_of
from chargers.requests import (
    new_password_request,
    request_actions,
    send_request,
    version_of,
)
from ocpplab.html import pretty_json

from .pages import PagedAdmin

SHOWN = 8  # requests sent before
FIRST = "GetConfiguration", "GetVariables"  # what the page begins with, where it can
TONES: dict[str, str] = {
    RequestOutcome.ANSWERED: "good",
    RequestOutcome.CALL_ERROR: "bad",
    RequestOutcome.INVALID_ANSWER: "bad",
    RequestOutcome.NOT_ANSWERED: "warn",
    RequestOutcome.NOT_CONNECTED: "idle",
}


class RequestForm(forms.Form):
    """An action and its payload as JSON, which the page's script fills from fields."""

    action = forms.ChoiceField()
    payload = forms.CharField(
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
    )

    def __init__(self, actions: list[str], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["action"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(action, action) for action in actions]

    def clean_payload(self) -> dict[str, Any]:
        try:
            payload = json.loads(self.cleaned_data["payload"] or "{}")
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(f"It is no JSON: {error}") from None
        if not isinstance(payload, dict):
            raise forms.ValidationError("It is no JSON object.")
        return payload


class SendsRequests(PagedAdmin):
    """Adds the page to the admin of chargers."""

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.request_view)
        page = path("<path:object_id>/request/", view, name="chargers_charger_request")
        return [page, *super().get_urls()]

    def page_context(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        may_request = self.has_command_permission(request, obj)
        return {**super().page_context(request, obj), "may_request": may_request}

    def request_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        charger = self.get_object(request, unquote(object_id))
        if charger is None:
            raise Http404("There is no such charger.")
        if not self.has_command_permission(request, charger):
            raise PermissionDenied
        actions = request_actions(version_of(charger))
        if request.method != "POST":
            asked = request.GET.get("action")
            first = next((a for a in FIRST if a in actions), actions[0])
            action = asked if asked in actions else first
            payload: dict[str, Any] = {}
            if "password" in request.GET:
                action, payload = new_password_request(version_of(charger))
            text = json.dumps(payload, indent=2)
            form = RequestForm(actions, initial={"action": action, "payload": text})
            return self._request_page(request, charger, form, action)
        form = RequestForm(actions, request.POST)
        if not form.is_valid():
            given = request.POST.get("action")
            action = given if given in actions else actions[0]
            return self._request_page(request, charger, form, action)
        action, payload = form.cleaned_data["action"], form.cleaned_data["payload"]
        answer = None
        try:
            answer = send_request(
                charger,
                action,
                payload,
                origin=Origin.ADMIN,
                asked_by=request.user.get_username(),
            )
        except RequestError as error:
            field = None if error.outcome else "payload"
            form.add_error(field, str(error))
        return self._request_page(request, charger, form, action, answer)

    def _request_page(
        self,
        request: HttpRequest,
        charger: Charger,
        form: RequestForm,
        action: str,
        answer: dict[str, Any] | None = None,
    ) -> HttpResponse:
        version = version_of(charger)
        sent = list(charger.operator_requests.all()[:SHOWN])
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Send an OCPP request",
            "charger": charger,
            "form": form,
            "action": action,
            "version": version.label,
            "schema": schema_of(version, action),
            "answer": None if answer is None else pretty_json(answer),
            "sent": [
                (row, TONES.get(row.outcome, "idle"), json.dumps(row.answer))
                for row in sent
            ],
            "media": self.media,
        }
        return TemplateResponse(request, "admin/chargers/charger/request.html", context)
