"""The catalog: what every migrated database knows of brands and models."""

import pytest

from chargers.catalog import load_catalog, load_catalog_after_migrate
from chargers.models import Brand, ChargerModel

pytestmark = pytest.mark.django_db


def test_a_migrated_database_has_the_catalog():
    assert Brand.objects.count() >= 14
    assert ChargerModel.objects.count() >= 30


def test_loading_again_changes_no_id_and_adds_nothing():
    before = set(ChargerModel.objects.values_list("pk", "slug"))
    ChargerModel.objects.filter(slug="terra-184").update(name="Changed")
    load_catalog()
    assert set(ChargerModel.objects.values_list("pk", "slug")) == before
    assert ChargerModel.objects.get(slug="terra-184").name == "Terra 184"


@pytest.mark.parametrize(
    ("brand", "model", "current_type", "types", "max_power_w", "connectors"),
    [
        ("wallbox", "wallbox-pulsar-plus", "ac", {"Type2"}, 22_000, 1),
        ("schneider", "evlink-pro-ac-22kw", "ac", {"Type2", "CCS2"}, 22_000, 1),
        ("abb", "terra-184", "dc", {"CCS2", "CHAdeMO"}, 184_000, 2),
    ],
)
def test_models_that_published_examples_name(
    brand, model, current_type, types, max_power_w, connectors
):
    found = ChargerModel.objects.get(brand__slug=brand, slug=model)
    assert found.current_type == current_type
    assert set(found.connector_types) == types
    assert found.max_power_w == max_power_w
    assert found.connector_count == connectors


def test_every_model_has_a_rating_and_a_connector_type():
    for model in ChargerModel.objects.all():
        assert model.supported_kwh
        assert model.supported_kwh == sorted(model.supported_kwh)
        assert set(model.connector_types) <= {"Type1", "Type2", "CCS2", "CHAdeMO"}
        assert model.phases in (1, 3)


def test_a_database_without_the_tables_yet_is_left_alone():
    class NoModels:
        def get_model(self, *names: str) -> None:
            raise LookupError

    load_catalog_after_migrate(apps=NoModels(), using="default")
