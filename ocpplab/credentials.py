"""The credentials that the portal makes on first start, readable in the data directory.

What the database keeps of them is hashed; every later start prints them from here.
"""

import os
import secrets
from pathlib import Path

from django.conf import settings

from .models import User


def credentials_path() -> Path:
    return Path(settings.DATA_DIR) / "credentials"


def read_credentials() -> dict[str, str]:
    """Lines ``name=value``, as they were remembered."""
    try:
        lines = credentials_path().read_text().splitlines()
    except FileNotFoundError:
        return {}
    pairs = (line.partition("=") for line in lines if "=" in line)
    return {name.strip(): value.strip() for name, _, value in pairs}


def remember(**values: str) -> None:
    """Add credentials to the file, which its owner alone may read."""
    credentials = {**read_credentials(), **values}
    path = credentials_path()
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.writelines(f"{name}={value}\n" for name, value in credentials.items())
    draft.replace(path)


def remembered_password(username: str) -> str:
    """The password remembered for a user, made now if there is none."""
    name = f"{username}_password"
    password = read_credentials().get(name)
    if password is None:
        password = secrets.token_urlsafe(12)
        remember(**{name: password})
    return password


def ensure_superuser() -> None:
    """Make ``admin`` where nobody can sign in yet."""
    if not User.objects.exists():
        User.objects.create_superuser("admin", password=remembered_password("admin"))
