"""GET /ocpp/catalog: brands and models, for any valid token."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from chargers.models import Brand, ChargerModel
from ocpplab.services import create_token

BRANDS = "/ocpp/catalog/brands"


def test_brands_have_the_published_shape(api: APIClient) -> None:
    answer = api.get(BRANDS, {"limit": 100}).json()
    wallbox = Brand.objects.get(slug="wallbox")
    [shown] = [item for item in answer["data"] if item["slug"] == "wallbox"]
    assert shown.pop("created_at").endswith("Z")
    assert shown == {
        "id": str(wallbox.pk),
        "slug": "wallbox",
        "name": "Wallbox",
        "image_url": None,
    }
    assert answer["total"] == Brand.objects.count()


def test_brands_come_in_pages(api: APIClient) -> None:
    answer = api.get(BRANDS, {"page": 2, "limit": 3}).json()
    slugs = list(Brand.objects.values_list("slug", flat=True))
    assert [item["slug"] for item in answer["data"]] == slugs[3:6]
    assert (answer["page"], answer["limit"]) == (2, 3)


def test_a_brand_lists_its_models_only(api: APIClient) -> None:
    answer = api.get(f"{BRANDS}/abb/models").json()
    expected = ChargerModel.objects.filter(brand__slug="abb")
    assert {item["slug"] for item in answer["data"]} == {m.slug for m in expected}
    assert {item["brand_slug"] for item in answer["data"]} == {"abb"}
    assert answer["total"] == expected.count()


def test_a_model_has_the_published_shape(api: APIClient) -> None:
    answer = api.get(f"{BRANDS}/wallbox/models/wallbox-pulsar-plus").json()
    model = ChargerModel.objects.get(slug="wallbox-pulsar-plus")
    assert answer.pop("created_at").endswith("Z")
    assert answer == {
        "id": str(model.pk),
        "slug": "wallbox-pulsar-plus",
        "name": "Pulsar Plus",
        "brand_slug": "wallbox",
        "brand_id": str(model.brand_id),
        "image_url": None,
        "connector_count": 1,
        "current_type": "ac",
        "supported_kwh": model.supported_kwh,
        "connector_types": ["Type2"],
    }


@pytest.mark.parametrize(
    "path",
    [
        "nobody/models",
        "nobody/models/terra-184",
        "wallbox/models/terra-184",
        "abb/models/none",
    ],
)
def test_what_is_not_in_it_is_not_found(api: APIClient, path: str) -> None:
    answer = api.get(f"{BRANDS}/{path}")
    assert answer.status_code == 404
    assert isinstance(answer.json()["detail"], str)


def test_an_admin_token_needs_no_organization(db: None) -> None:
    _, secret = create_token(organization=None)
    client = APIClient(headers={"Authorization": f"Bearer {secret}"})
    assert client.get(BRANDS).status_code == 200


def test_no_token_no_catalog(db: None) -> None:
    assert APIClient().get(BRANDS).status_code == 401


def test_more_models_take_no_more_queries(
    api: APIClient, django_assert_num_queries: Any
) -> None:
    api.get(BRANDS)  # the token's last use is noted once a minute
    with django_assert_num_queries(3):
        api.get(BRANDS)
    with django_assert_num_queries(4):
        api.get(f"{BRANDS}/abb/models")
