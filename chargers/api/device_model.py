"""The device model of 2.x chargers. It is changed by the command ``configuration``, or
by a request SetVariables."""

from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema_view
from rest_framework import serializers
from rest_framework.generics import ListAPIView, get_object_or_404

from chargers.choices import VariableAttribute
from chargers.models import Charger, Variable
from ocpplab.api import Page, PageQuery, read_query
from ocpplab.permissions import organization_of
from ocpplab.schema import operation

from . import examples
from .rows import READ_ERRORS, ChargerRows


class VariableSerializer(serializers.ModelSerializer):
    """EVSE and connector are null, instances empty, where OCPP has none."""

    key = serializers.CharField(
        source="__str__", help_text="As the command configuration names it."
    )
    evse_id = serializers.SerializerMethodField()
    connector_id = serializers.SerializerMethodField()
    variable = serializers.CharField(source="name")
    variable_instance = serializers.CharField(source="instance")
    characteristics = serializers.DictField(
        help_text="As in OCPP: dataType, unit, minLimit, maxLimit, valuesList, …"
    )

    class Meta:
        model = Variable
        fields = [
            "key",
            "component",
            "component_instance",
            "evse_id",
            "connector_id",
            "variable",
            "variable_instance",
            "attribute",
            "value",
            "mutability",
            "characteristics",
            "updated_at",
        ]

    def get_evse_id(self, variable: Variable) -> int | None:
        return variable.evse_id or None

    def get_connector_id(self, variable: Variable) -> int | None:
        return variable.connector_id or None


class VariableQuery(serializers.Serializer):
    component = serializers.CharField(
        max_length=50, required=False, help_text="Its name, in any case."
    )
    variable = serializers.CharField(
        max_length=50, required=False, help_text="Its name, in any case."
    )
    attribute = serializers.ChoiceField(VariableAttribute.values, required=False)
    search = serializers.CharField(
        max_length=50, required=False, help_text="Part of either name."
    )


@extend_schema_view(
    get=operation(
        "chargers.list_variables",
        "List the variables that a charger of OCPP 2.x last reported",
        success={200: VariableSerializer(many=True)},
        errors=READ_ERRORS,
        parameters=[VariableQuery, PageQuery],
        examples=examples.VARIABLE,
    )
)
class VariableListView(ListAPIView):
    permission_classes = ChargerRows.permission_classes
    queryset = Variable.objects.all()
    serializer_class = VariableSerializer
    pagination_class = Page

    def get_queryset(self) -> QuerySet[Variable]:
        own = Charger.objects.filter(organization=organization_of(self.request))
        charger = get_object_or_404(own, pk=self.kwargs["charger_id"])
        asked = read_query(VariableQuery, self.request)
        lookups = {"component": "component__iexact", "variable": "name__iexact"}
        lookups["attribute"] = "attribute"
        word = asked.pop("search", "")
        return Variable.objects.filter(
            Q(component__icontains=word) | Q(name__icontains=word),
            charger=charger,
            **{lookups[name]: value for name, value in asked.items()},
        )
