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
        "image_url": "http://testserver/catalog/wallbox.svg",
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
        "image_url": "http://testserver/catalog/wallbox/wallbox-pulsar-plus.svg",
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


def test_brands_come_by_twenty(api: APIClient) -> None:
    assert api.get(BRANDS).json()["limit"] == 20


@pytest.mark.parametrize("path", [f"{BRANDS}/wallbox/models", BRANDS])
def test_the_pictures_are_drawn_for_anyone_and_kept(api: APIClient, path: str) -> None:
    for row in api.get(path).json()["data"]:
        picture = APIClient().get(row["image_url"])
        assert picture.status_code == 200
        assert picture["Content-Type"] == "image/svg+xml"
        assert "max-age=604800" in picture["Cache-Control"]
        assert row["name"].split()[0] in picture.content.decode()


@pytest.mark.parametrize("path", ["nobody", "nobody/terra-184", "wallbox/terra-184"])
def test_what_is_not_in_it_has_no_picture(api: APIClient, path: str) -> None:
    assert APIClient().get(f"/catalog/{path}.svg").status_code == 404
