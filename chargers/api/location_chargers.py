"""Chargers of one location, by the number (contract, 9)."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_view
from rest_framework import status
from rest_framework.generics import ListAPIView, RetrieveAPIView, get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from chargers import provisioning, services
from chargers.models import Location, ProvisioningJob
from ocpplab.api import BadRequest, PageQuery, read_query, require_redis
from ocpplab.idempotency import idempotent
from ocpplab.permissions import organization_of
from ocpplab.schema import operation

from . import examples
from .bodies import ChargerGroups, UpdateLocationChargersRequest
from .rows import READ_ERRORS, ChargerRows, OwnRows
from .serializers import (
    ChargersDeletedSerializer,
    ChargerSerializer,
    ChargersUpdatedSerializer,
    JobAcceptedSerializer,
    JobSerializer,
    NamedQuery,
    SubsetQuery,
)


@extend_schema_view(
    get=operation(
        "location_chargers.list",
        "List the chargers of a location",
        success={200: ChargerSerializer(many=True)},
        errors=(400, *READ_ERRORS),
        examples=examples.CHARGER,
        parameters=[SubsetQuery, PageQuery],
    )
)
class LocationChargerListView(ChargerRows, ListAPIView):
    def location(self) -> Location:
        locations = Location.objects.filter(organization=organization_of(self.request))
        return get_object_or_404(locations, pk=self.kwargs["location_id"])

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().filter(location=self.location())

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        wanted = read_query(SubsetQuery, self.request).get("charger_ids")
        if wanted is None:
            return queryset
        found = queryset.filter(pk__in=wanted)
        if missing := set(wanted).difference(found.values_list("pk", flat=True)):
            raise BadRequest(f"Not in this location: {', '.join(sorted(missing))}.")
        return found

    @operation(
        "location_chargers.create",
        "Make many chargers; the job's status tells when all are ready",
        request=ChargerGroups,
        success={202: JobAcceptedSerializer},
        errors=(*READ_ERRORS, 503),
        examples=examples.NEW_GROUPS,
    )
    @idempotent
    def post(self, request: Request, location_id: str) -> Response:
        location = self.location()
        body = ChargerGroups(data=request.data)
        body.is_valid(raise_exception=True)
        require_redis()
        job = provisioning.create_job(
            organization=organization_of(request),
            location=location,
            groups=body.validated_data,
        )
        return Response(JobAcceptedSerializer(job).data, status.HTTP_202_ACCEPTED)

    @operation(
        "location_chargers.update",
        "Change chargers of a location, each as far as it can be",
        request=UpdateLocationChargersRequest,
        success={200: ChargersUpdatedSerializer},
        errors=READ_ERRORS,
        examples=examples.CHANGED_CHARGERS,
    )
    def put(self, request: Request, location_id: str) -> Response:
        chargers = self.get_queryset()
        body = UpdateLocationChargersRequest(data=request.data)
        body.is_valid(raise_exception=True)
        updated, failed = services.update_chargers(
            chargers,
            [
                (item.pop("charger_id"), item)
                for item in body.validated_data["chargers"]
            ],
            organization=organization_of(request),
        )
        answer = {
            "updated_count": len(updated),
            "failed_count": len(failed),
            "updated": updated,
            "failed": failed,
        }
        context = self.get_serializer_context()
        return Response(ChargersUpdatedSerializer(answer, context=context).data)

    @operation(
        "location_chargers.delete",
        "Remove chargers of a location, which hang up",
        success={200: ChargersDeletedSerializer},
        errors=READ_ERRORS,
        examples=examples.DELETED_CHARGERS,
        parameters=[NamedQuery],
    )
    def delete(self, request: Request, location_id: str) -> Response:
        chargers = self.get_queryset()
        wanted = read_query(NamedQuery, request)["charger_ids"]
        deleted, failed = services.delete_chargers(chargers, wanted)
        answer = {
            "deleted_count": len(deleted),
            "failed_count": len(failed),
            "deleted": deleted,
            "failed": failed,
        }
        return Response(ChargersDeletedSerializer(answer).data)


@extend_schema_view(
    get=operation(
        "location_chargers.get_bulk_job",
        "Read how far the making of many chargers is",
        success={200: JobSerializer},
        errors=READ_ERRORS,
        examples=examples.JOB,
    )
)
class JobView(OwnRows, RetrieveAPIView):
    queryset = ProvisioningJob.objects.all()
    serializer_class = JobSerializer
    lookup_url_kwarg = "job_id"

    def get_queryset(self) -> QuerySet[Any]:
        location = services.as_uuid(self.kwargs["location_id"])
        return super().get_queryset().filter(location=location)
