#!/usr/bin/env python
"""Django's command-line entry; faults of the installation end as one clear line."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ocpplab.settings")
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
        from django.db.utils import OperationalError
        from redis.exceptions import ConnectionError as RedisConnectionError
    except ImportError as error:
        sys.exit(f"error: {error}. Install the requirements: make install")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"error: {error}")
    except OperationalError as error:
        sys.exit(f"error: the database does not answer: {_one_line(error)}")
    except RedisConnectionError as error:
        sys.exit(f"error: Redis does not answer: {_one_line(error)}")
    except KeyboardInterrupt:
        sys.exit(130)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


if __name__ == "__main__":
    main()
