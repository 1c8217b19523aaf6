"""Settings that come from the environment."""

import re

from django.conf import settings


def test_operations_list_every_variable() -> None:
    read = (settings.BASE_DIR / "ocpplab" / "settings.py").read_text()
    listed = (settings.BASE_DIR / "docs" / "operations.md").read_text()
    names = set(re.findall(r'env\.\w+\(\s*"(\w+)"', read))
    assert names
    assert [name for name in sorted(names) if f"`{name}`" not in listed] == []
