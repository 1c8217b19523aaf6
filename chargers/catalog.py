"""The catalog of brands and models that comes with the portal (data/catalog.json)."""

import json
import uuid
from pathlib import Path
from typing import Any

from django.apps import apps as current_apps
from django.db import DEFAULT_DB_ALIAS

PATH = Path(__file__).parent / "data" / "catalog.json"
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:ocpplab:catalog")
MODEL_FIELDS = (
    "name",
    "current_type",
    "phases",
    "connector_count",
    "connector_types",
    "supported_kwh",
)


def load_catalog(*, apps: Any = current_apps, using: str = DEFAULT_DB_ALIAS) -> None:
    """Bring brands and models to what the file says; others are left alone.

    Ids follow from the slugs, so they are the same in every installation.
    """
    brands, models = [], []
    brand_class = apps.get_model("chargers", "Brand")
    model_class = apps.get_model("chargers", "ChargerModel")
    for brand in json.loads(PATH.read_text()):
        brand_id = uuid.uuid5(NAMESPACE, brand["slug"])
        brands.append(brand_class(id=brand_id, slug=brand["slug"], name=brand["name"]))
        models += [
            model_class(
                id=uuid.uuid5(NAMESPACE, f"{brand['slug']}/{model['slug']}"),
                brand_id=brand_id,
                slug=model["slug"],
                **{name: model[name] for name in MODEL_FIELDS},
            )
            for model in brand["models"]
        ]
    brand_class.objects.using(using).bulk_create(
        brands, update_conflicts=True, unique_fields=["id"], update_fields=["name"]
    )
    model_class.objects.using(using).bulk_create(
        models,
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=MODEL_FIELDS,
    )


def load_catalog_after_migrate(
    *, apps: Any = current_apps, using: str, **kwargs: object
) -> None:
    """Receiver of ``post_migrate``: every migrated database has the catalog."""
    try:
        apps.get_model("chargers", "ChargerModel")
    except LookupError:  # migrated back to before the catalog was
        return
    load_catalog(apps=apps, using=using)
