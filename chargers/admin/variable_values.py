"""Setting variables of 2.x chargers, and asking for them: one, or many of a charger."""

from collections.abc import Iterator, Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from chargers.choices import Mutability
from chargers.errors import RequestError
from chargers.models import Charger, Variable
from chargers.services.device_model import SET
from chargers.variables import Outcome, ask_values, set_variables
from ocpplab.models import Origin

from .records import ChargerRecordAdmin

AT_ONCE = 200  # variables


class VariableForm(forms.ModelForm):
    """A variable's value; a choice where the charger told what there is to choose."""

    class Meta:
        model = Variable
        fields = ("value",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "value" not in self.fields:
            return
        field = forms.CharField(max_length=2500, required=False)
        choices = self.instance.choices
        if self.instance.data_type == "boolean":
            choices = ["true", "false"]
        if choices and self.instance.data_type in ("boolean", "OptionList"):
            known = dict.fromkeys([self.instance.value, *choices])
            field.widget = forms.Select(choices=[(value, value) for value in known])
        field.help_text = "The charger is asked to take it, and may refuse."
        field.label = str(self.instance)
        self.fields["value"] = field


class SetsVariables(ChargerRecordAdmin):
    """The form of one variable, and the actions on many.

    The charger is asked outside of any database transaction: rows change when it has
    accepted.
    """

    form = VariableForm
    actions = ("ask_values", "set_values")

    def has_change_permission(
        self, request: HttpRequest, obj: Any | None = None
    ) -> bool:
        return self.has_command_permission(request, obj)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if request.method != "POST":
            return super().changeform_view(request, object_id, form_url, extra_context)
        variable = self.get_object(request, unquote(object_id or ""))
        if variable is None:
            return HttpResponseRedirect(reverse("admin:index"))
        if not self.has_change_permission(request, variable):
            raise PermissionDenied
        form = self.get_form(request, variable, change=True)(
            request.POST, instance=variable
        )
        if not form.is_valid():
            messages.error(request, "The value is too long.")
        elif form.has_changed():
            for outcome in self._set(request, variable.charger, [form]):
                level = messages.SUCCESS if outcome.status in SET else messages.ERROR
                text = f"{variable.charger} answered {outcome}"
                messages.add_message(request, level, f"{text.rstrip('.')}.")
        return HttpResponseRedirect(request.path)

    @admin.action(description="Set values", permissions=["change"])
    def set_values(
        self, request: HttpRequest, queryset: QuerySet[Variable]
    ) -> HttpResponse | None:
        """A page with the values of the selected variables, which sets those changed."""
        charger = self._charger_of(request, queryset)
        if charger is None:
            return None
        is_sent = "set" in request.POST
        forms = [
            VariableForm(
                request.POST if is_sent else None,
                instance=variable,
                prefix=str(variable.pk),
            )
            for variable in queryset
            if variable.is_writable
        ]
        if not forms:
            messages.error(request, "None of these variables can be set.")
            return None
        outcomes = {}
        if is_sent and all(form.is_valid() for form in forms):
            changed = [form for form in forms if form.has_changed()]
            told = self._set(request, charger, changed) if changed else []
            outcomes = {outcome.variable.pk: outcome for outcome in told}
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Set values",
            "charger": charger,
            "rows": [(form, outcomes.get(form.instance.pk)) for form in forms],
            "taken": SET,
            "media": self.media,
        }
        template = "admin/chargers/variable/set_values.html"
        return TemplateResponse(request, template, context)

    @admin.action(description="Ask for values", permissions=["change"])
    def ask_values(self, request: HttpRequest, queryset: QuerySet[Variable]) -> None:
        charger = self._charger_of(request, queryset)
        readable = queryset.exclude(mutability=Mutability.WRITE_ONLY)
        if charger is None or not (variables := list(readable)):
            return
        try:
            outcomes = ask_values(
                charger,
                variables,
                origin=Origin.ADMIN,
                asked_by=request.user.get_username(),
            )
        except RequestError as error:
            messages.error(request, str(error))
            return
        told = sum(outcome.status == "Accepted" for outcome in outcomes)
        if told:
            messages.success(request, f"Values that {charger} told: {told}.")
        for outcome in outcomes:
            if outcome.status != "Accepted":
                messages.warning(request, f"{outcome.variable}: {outcome}")

    def _charger_of(
        self, request: HttpRequest, variables: QuerySet[Variable]
    ) -> Charger | None:
        """The one charger that all these are of, if so, and the person may ask it."""
        chargers = Charger.objects.filter(variables__in=variables).distinct()[:2]
        if len(chargers) != 1 or variables.count() > AT_ONCE:
            text = f"Select variables of one charger, {AT_ONCE} at most: its identity "
            messages.error(request, f"{text}in the search shows no others.")
            return None
        if not self.has_change_permission(request, variables[0]):
            raise PermissionDenied
        return chargers[0]

    def _set(
        self, request: HttpRequest, charger: Charger, changed: Sequence[forms.ModelForm]
    ) -> Iterator[Outcome]:
        """Have the charger take what these forms changed; what it answered of each."""
        wanted = [(form.instance, form.cleaned_data["value"]) for form in changed]
        try:
            outcomes = set_variables(
                charger,
                wanted,
                origin=Origin.ADMIN,
                asked_by=request.user.get_username(),
            )
        except RequestError as error:
            messages.error(request, str(error))
            return
        for outcome in outcomes:
            text = f"{charger} answered {outcome}"
            self.log_change(request, outcome.variable, text)
            yield outcome
