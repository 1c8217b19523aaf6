"""Reads of the REST API: locations, catalog, chargers and logs (contract, 6 to 9)."""

import uuid
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_view
from rest_framework.generics import (
    GenericAPIView,
    ListAPIView,
    RetrieveAPIView,
    get_object_or_404,
)

from chargers.models import Brand, Charger, ChargerModel, Location, Message
from ocpplab.api import (
    BadRequest,
    OffsetPage,
    OffsetQuery,
    Page,
    PageQuery,
    read_query,
)
from ocpplab.permissions import HasToken, organization_of
from ocpplab.schema import operation

from .serializers import (
    BrandSerializer,
    ChargerQuery,
    ChargerSerializer,
    ChargerStatusSerializer,
    LocationSerializer,
    MessageQuery,
    MessageSerializer,
    ModelSerializer,
    SubsetQuery,
)

LIST_ERRORS = (401, 403, 422, 500)
READ_ERRORS = (401, 403, 404, 422, 500)


class OwnRows(GenericAPIView):
    """The rows of ``queryset`` that belong to the request's organization."""

    def get_queryset(self) -> QuerySet[Any]:
        own = organization_of(self.request)
        return super().get_queryset().filter(organization=own)


# --- Locations ------------------------------------------------------------------------


class LocationRows(OwnRows):
    queryset = Location.objects.all()
    serializer_class = LocationSerializer
    pagination_class = Page
    lookup_url_kwarg = "location_id"


@extend_schema_view(
    get=operation(
        "locations.list",
        "List locations",
        success={200: LocationSerializer(many=True)},
        errors=LIST_ERRORS,
        parameters=[PageQuery],
    )
)
class LocationListView(LocationRows, ListAPIView):
    pass


@extend_schema_view(
    get=operation(
        "locations.get",
        "Read a location",
        success={200: LocationSerializer},
        errors=READ_ERRORS,
    )
)
class LocationView(LocationRows, RetrieveAPIView):
    pass


# --- Chargers -------------------------------------------------------------------------


class ChargerRows(OwnRows):
    queryset = Charger.objects.select_related("model__brand")
    serializer_class: type[ChargerSerializer | ChargerStatusSerializer] = (
        ChargerSerializer
    )
    pagination_class = Page
    lookup_url_kwarg = "charger_id"


@extend_schema_view(
    get=operation(
        "chargers.list",
        "List chargers",
        success={200: ChargerSerializer(many=True)},
        errors=LIST_ERRORS,
        parameters=[ChargerQuery, PageQuery],
    )
)
class ChargerListView(ChargerRows, ListAPIView):
    def get_queryset(self) -> QuerySet[Any]:
        chargers = super().get_queryset()
        location_id = read_query(ChargerQuery, self.request).get("location_id")
        if location_id is None:
            return chargers
        try:
            return chargers.filter(location=uuid.UUID(location_id))
        except ValueError:
            return chargers.none()


@extend_schema_view(
    get=operation(
        "chargers.get",
        "Read a charger",
        success={200: ChargerSerializer},
        errors=READ_ERRORS,
    )
)
class ChargerView(ChargerRows, RetrieveAPIView):
    pass


@extend_schema_view(
    get=operation(
        "chargers.get_status",
        "Read how far the making of a charger is",
        success={200: ChargerStatusSerializer},
        errors=READ_ERRORS,
    )
)
class ChargerStatusView(ChargerRows, RetrieveAPIView):
    serializer_class = ChargerStatusSerializer


@extend_schema_view(
    get=operation(
        "location_chargers.list",
        "List the chargers of a location",
        success={200: ChargerSerializer(many=True)},
        errors=(400, *READ_ERRORS),
        parameters=[SubsetQuery, PageQuery],
    )
)
class LocationChargerListView(ChargerRows, ListAPIView):
    def get_queryset(self) -> QuerySet[Any]:
        locations = Location.objects.filter(organization=organization_of(self.request))
        location = get_object_or_404(locations, pk=self.kwargs["location_id"])
        chargers = super().get_queryset().filter(location=location)
        wanted = read_query(SubsetQuery, self.request).get("charger_ids")
        if wanted is None:
            return chargers
        chargers = chargers.filter(pk__in=wanted)
        if missing := set(wanted).difference(chargers.values_list("pk", flat=True)):
            raise BadRequest(f"Not in this location: {', '.join(sorted(missing))}.")
        return chargers


@extend_schema_view(
    get=operation(
        "chargers.get_logs",
        "Read the OCPP messages between a charger and its CSMS, newest first",
        success={200: MessageSerializer(many=True)},
        errors=LIST_ERRORS,
        parameters=[MessageQuery, OffsetQuery],
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


# --- Catalog --------------------------------------------------------------------------


@extend_schema_view(
    get=operation(
        "catalog.list_brands",
        "List the brands of the catalog",
        success={200: BrandSerializer(many=True)},
        errors=LIST_ERRORS,
        parameters=[PageQuery],
        tenant=False,
    )
)
class BrandListView(ListAPIView):
    permission_classes = [HasToken]
    queryset = Brand.objects.all()
    serializer_class = BrandSerializer
    pagination_class = Page


class ModelRows(GenericAPIView):
    permission_classes = [HasToken]
    queryset = ChargerModel.objects.select_related("brand")
    serializer_class = ModelSerializer
    pagination_class = Page
    lookup_field = "slug"
    lookup_url_kwarg = "model_slug"

    def get_queryset(self) -> QuerySet[ChargerModel]:
        return super().get_queryset().filter(brand__slug=self.kwargs["brand_slug"])


@extend_schema_view(
    get=operation(
        "catalog.list_models",
        "List the models of a brand",
        success={200: ModelSerializer(many=True)},
        errors=READ_ERRORS,
        parameters=[PageQuery],
        tenant=False,
    )
)
class ModelListView(ModelRows, ListAPIView):
    def get_queryset(self) -> QuerySet[ChargerModel]:
        get_object_or_404(Brand, slug=self.kwargs["brand_slug"])
        return super().get_queryset()


@extend_schema_view(
    get=operation(
        "catalog.get_model",
        "Read a model",
        success={200: ModelSerializer},
        errors=READ_ERRORS,
        tenant=False,
    )
)
class ModelView(ModelRows, RetrieveAPIView):
    pass
