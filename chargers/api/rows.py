"""What the views of this app share: an organization's rows, and the errors declared."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.generics import GenericAPIView

from chargers.models import Charger
from ocpplab.api import Page
from ocpplab.permissions import MayChange, organization_of

from .serializers import ChargerSerializer

LIST_ERRORS = (401, 403, 422, 500)
READ_ERRORS = (401, 403, 404, 422, 500)


class OwnRows(GenericAPIView):
    """The rows of ``queryset`` that belong to the request's organization."""

    permission_classes = [MayChange]
    pagination_class = Page

    def get_queryset(self) -> QuerySet[Any]:
        own = organization_of(self.request)
        return super().get_queryset().filter(organization=own)


class ChargerRows(OwnRows):
    queryset = Charger.objects.select_related("model__brand")
    serializer_class: type[Any] = ChargerSerializer
    lookup_url_kwarg = "charger_id"
