"""Locations, and the gallery of presets for them (contract, 7)."""

from drf_spectacular.utils import extend_schema_view
from rest_framework import status
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chargers import services
from chargers.errors import InvalidLocation
from chargers.location_templates import find_templates
from chargers.models import Location
from ocpplab.api import BadRequest, PageQuery, Unprocessable, read_query
from ocpplab.idempotency import idempotent
from ocpplab.permissions import HasToken, organization_of
from ocpplab.schema import operation

from . import examples
from .bodies import LocationRequest, UpdateLocationRequest
from .rows import LIST_ERRORS, READ_ERRORS, OwnRows
from .serializers import (
    LocationSerializer,
    LocationTemplateListSerializer,
    TemplateQuery,
)


class LocationRows(OwnRows):
    queryset = Location.objects.all()
    serializer_class = LocationSerializer
    lookup_url_kwarg = "location_id"


@extend_schema_view(
    get=operation(
        "locations.list",
        "List locations",
        success={200: LocationSerializer(many=True)},
        errors=LIST_ERRORS,
        examples=examples.LOCATION,
        parameters=[PageQuery],
    )
)
class LocationListView(LocationRows, ListAPIView):
    @operation(
        "locations.create",
        "Make a location",
        request=LocationRequest,
        success={201: LocationSerializer},
        errors=(400, *LIST_ERRORS),
        examples=examples.NEW_LOCATION,
    )
    @idempotent
    def post(self, request: Request) -> Response:
        body = LocationRequest(data=request.data)
        body.is_valid(raise_exception=True)
        try:
            location = services.create_location(
                organization=organization_of(request), **body.validated_data
            )
        except InvalidLocation as error:
            raise BadRequest(str(error)) from None
        return Response(self.get_serializer(location).data, status.HTTP_201_CREATED)


@extend_schema_view(
    get=operation(
        "locations.get",
        "Read a location",
        success={200: LocationSerializer},
        errors=READ_ERRORS,
        examples=examples.LOCATION,
    )
)
class LocationView(LocationRows, RetrieveAPIView):
    @operation(
        "locations.update",
        "Change what is named of a location; null clears timezone and owner_name",
        request=UpdateLocationRequest,
        success={200: LocationSerializer},
        errors=READ_ERRORS,
        examples=examples.CHANGED_LOCATION,
    )
    def put(self, request: Request, location_id: str) -> Response:
        location = self.get_object()
        body = UpdateLocationRequest(data=request.data)
        body.is_valid(raise_exception=True)
        try:
            services.update_location(location, body.validated_data)
        except InvalidLocation as error:
            raise Unprocessable(str(error)) from None
        return Response(self.get_serializer(location).data)

    @operation(
        "locations.delete",
        "Remove a location and its chargers; once more is no error",
        success={204: None},
        errors=READ_ERRORS,
    )
    def delete(self, request: Request, location_id: str) -> Response:
        if not services.was_deleted(organization_of(request), location_id):
            services.delete_location(self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)


class LocationTemplateListView(APIView):
    permission_classes = [HasToken]

    @operation(
        "location_templates.list",
        "List presets for locations; one that mixes versions matches each of them",
        success={200: LocationTemplateListSerializer},
        errors=LIST_ERRORS,
        parameters=[TemplateQuery],
        tenant=False,
    )
    def get(self, request: Request) -> Response:
        asked = read_query(TemplateQuery, request)
        found = find_templates(asked.get("type"), asked.get("ocpp_version"))
        return Response({"data": found, "total": len(found)})
