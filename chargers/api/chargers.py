"""Chargers, their making, their runtime and their log (contract, 8)."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema_view
from rest_framework import status
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from chargers import provisioning, services
from chargers.errors import InvalidCharger
from chargers.models import Charger, Message
from ocpplab.api import (
    BadRequest,
    OffsetPage,
    OffsetQuery,
    PageQuery,
    Unprocessable,
    read_query,
    require_redis,
)
from ocpplab.idempotency import idempotent
from ocpplab.permissions import organization_of
from ocpplab.schema import operation

from . import examples
from .bodies import (
    ChargerRequest,
    PhysicalChargerRequest,
    UpdateChargerRequest,
    charger_request,
)
from .rows import LIST_ERRORS, READ_ERRORS, ChargerRows
from .serializers import (
    ChargerAcceptedSerializer,
    ChargerQuery,
    ChargerSerializer,
    ChargerStatusSerializer,
    MessageQuery,
    MessageSerializer,
    RuntimeSerializer,
)


@extend_schema_view(
    get=operation(
        "chargers.list",
        "List chargers",
        success={200: ChargerSerializer(many=True)},
        errors=LIST_ERRORS,
        examples=examples.CHARGER,
        parameters=[ChargerQuery, PageQuery],
    )
)
class ChargerListView(ChargerRows, ListAPIView):
    def get_queryset(self) -> QuerySet[Any]:
        chargers = super().get_queryset()
        location_id = read_query(ChargerQuery, self.request).get("location_id")
        if location_id is None:
            return chargers
        return chargers.filter(location__in=self._locations(location_id))

    def _locations(self, location_id: str) -> list[Any]:
        found = services.find_locations(organization_of(self.request), [location_id])
        return list(found.values())

    @operation(
        "chargers.create",
        "Make a charger; its status tells when it is ready",
        request=PolymorphicProxySerializer(
            component_name="NewCharger",
            serializers=[ChargerRequest, PhysicalChargerRequest],
            resource_type_field_name=None,
        ),
        success={202: ChargerAcceptedSerializer},
        errors=(400, *LIST_ERRORS, 503),
        examples=examples.NEW_CHARGER,
    )
    @idempotent
    def post(self, request: Request) -> Response:
        body = charger_request(request.data)
        body.is_valid(raise_exception=True)
        require_redis()
        try:
            charger = provisioning.request_charger(
                organization=organization_of(request), **body.validated_data
            )
        except InvalidCharger as error:
            raise BadRequest(str(error)) from None
        accepted = ChargerAcceptedSerializer(charger)
        return Response(accepted.data, status.HTTP_202_ACCEPTED)


@extend_schema_view(
    get=operation(
        "chargers.get",
        "Read a charger",
        success={200: ChargerSerializer},
        errors=READ_ERRORS,
        examples=examples.CHARGER,
    )
)
class ChargerView(ChargerRows, RetrieveAPIView):
    @operation(
        "chargers.update",
        "Change what is named of a charger; null clears its names and its location",
        request=UpdateChargerRequest,
        success={200: ChargerSerializer},
        errors=(400, *READ_ERRORS),
        examples=examples.CHANGED_CHARGER,
    )
    def put(self, request: Request, charger_id: str) -> Response:
        charger = self.get_object()
        body = UpdateChargerRequest(data=request.data)
        body.is_valid(raise_exception=True)
        updated, failed = services.update_chargers(
            self.get_queryset(),
            [(charger.pk, body.validated_data)],
            organization=organization_of(request),
        )
        if failed:
            raise BadRequest(failed[0].error)
        return Response(self.get_serializer(updated[0]).data)

    @operation(
        "chargers.delete",
        "Remove a charger, which hangs up",
        success={204: None},
        errors=READ_ERRORS,
    )
    def delete(self, request: Request, charger_id: str) -> Response:
        services.delete_charger(self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema_view(
    get=operation(
        "chargers.get_status",
        "Read how far the making of a charger is",
        success={200: ChargerStatusSerializer},
        errors=READ_ERRORS,
        examples=examples.STATUS,
    )
)
class ChargerStatusView(ChargerRows, RetrieveAPIView):
    serializer_class = ChargerStatusSerializer


# --- The runtime ----------------------------------------------------------------------


class RuntimeView(ChargerRows):
    """Starts, stops or restarts what runs a virtual charger."""

    event_type: str
    desired_count = 1

    @idempotent
    def post(self, request: Request, charger_id: str) -> Response:
        charger = self.get_object()
        if not charger.is_virtual:
            raise Unprocessable("A physical charger is not run by the portal.")
        self.act(Charger.objects.filter(pk=charger.pk))
        answer = {
            "id": charger.pk,
            "event_type": self.event_type,
            "ocpp_version": charger.ocpp_version,
            "payload": {
                "provider": "portal",
                "runtime_kind": "fleet",
                "service_name": charger.pk,
                "desired_count": self.desired_count,
                "status": "ACTIVE",
            },
        }
        return Response(RuntimeSerializer(answer).data, status.HTTP_202_ACCEPTED)

    def act(self, charger: QuerySet[Charger]) -> None:
        raise NotImplementedError


def _described(name: str, summary: str) -> Any:
    return extend_schema_view(
        post=operation(
            f"chargers.{name}",
            summary,
            request=None,
            success={202: RuntimeSerializer},
            errors=READ_ERRORS,
            examples=examples.RUNTIME if name == "stop_runtime" else None,
        )
    )


@_described("start_runtime", "Run a virtual charger that was stopped")
class StartView(RuntimeView):
    event_type = "start_charger"

    def act(self, charger: QuerySet[Charger]) -> None:
        services.set_running(charger, True)


@_described("stop_runtime", "Stop running a virtual charger: it hangs up")
class StopView(RuntimeView):
    event_type = "stop_charger"
    desired_count = 0

    def act(self, charger: QuerySet[Charger]) -> None:
        services.set_running(charger, False)


@_described("reset_runtime", "Have a virtual charger hang up and boot anew")
class ResetView(RuntimeView):
    event_type = "reset_charger"

    def act(self, charger: QuerySet[Charger]) -> None:
        services.restart(charger)


# --- The log --------------------------------------------------------------------------


@extend_schema_view(
    get=operation(
        "chargers.get_logs",
        "Read the OCPP messages between a charger and its CSMS, newest first",
        success={200: MessageSerializer(many=True)},
        errors=LIST_ERRORS,
        parameters=[MessageQuery, OffsetQuery],
        examples=examples.MESSAGE,
    )
)
class MessageListView(ListAPIView):
    """A charger that does not exist here has an empty log: no 404 (contract, 8.7)."""

    queryset = Message.objects.all()
    serializer_class = MessageSerializer
    pagination_class = OffsetPage

    def get_queryset(self) -> QuerySet[Message]:
        messages = Message.objects.filter(
            charger_id=self.kwargs["charger_id"],
            charger__organization=organization_of(self.request),
        )
        asked = read_query(MessageQuery, self.request)
        lookups = {
            "start_date": "timestamp__gte",
            "end_date": "timestamp__lte",
            "event": "action",
        }
        return messages.filter(**{lookups[name]: asked[name] for name in asked})
