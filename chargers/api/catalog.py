"""The catalog of brands and models, and their pictures (contract, 6)."""

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404 as get_row_or_404
from django.views.decorators.cache import cache_control
from drf_spectacular.utils import extend_schema_view
from rest_framework.generics import (
    GenericAPIView,
    ListAPIView,
    RetrieveAPIView,
    get_object_or_404,
)

from chargers.drawings import draw_brand, draw_model
from chargers.models import Brand, ChargerModel
from ocpplab.api import Page, PageQuery, QueryInteger
from ocpplab.permissions import HasToken
from ocpplab.schema import operation

from . import examples
from .rows import LIST_ERRORS, READ_ERRORS
from .serializers import BrandSerializer, ModelSerializer

WEEK = 7 * 24 * 3600


class BrandPageQuery(PageQuery):
    limit = QueryInteger(min_value=1, max_value=100, default=20)


class BrandPage(Page):
    query = BrandPageQuery


@extend_schema_view(
    get=operation(
        "catalog.list_brands",
        "List the brands of the catalog",
        success={200: BrandSerializer(many=True)},
        errors=LIST_ERRORS,
        parameters=[BrandPageQuery],
        tenant=False,
    )
)
class BrandListView(ListAPIView):
    permission_classes = [HasToken]
    queryset = Brand.objects.all()
    serializer_class = BrandSerializer
    pagination_class = BrandPage


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
        examples=examples.MODEL,
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
        examples=examples.MODEL,
    )
)
class ModelView(ModelRows, RetrieveAPIView):
    pass


# --- Pictures: for anyone, and the same for a long time --------------------------------


@cache_control(public=True, max_age=WEEK)
def brand_image(request: HttpRequest, brand_slug: str) -> HttpResponse:
    brand = get_row_or_404(Brand, slug=brand_slug)
    return HttpResponse(draw_brand(brand), content_type="image/svg+xml")


@cache_control(public=True, max_age=WEEK)
def model_image(request: HttpRequest, brand_slug: str, model_slug: str) -> HttpResponse:
    models = ChargerModel.objects.select_related("brand")
    model = get_row_or_404(models, brand__slug=brand_slug, slug=model_slug)
    return HttpResponse(draw_model(model), content_type="image/svg+xml")
