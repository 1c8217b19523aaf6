"""Every setting of the portal, from the environment, with defaults for a laptop.

The variables are listed in docs/operations.md.
"""

import hashlib
import os
import re
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

import environ
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

# Where the database, the embedded Redis and the generated secret key live.
DATA_DIR = Path(env.str("OCPPLAB_DATA_DIR", default="var"))
if not DATA_DIR.is_absolute():
    DATA_DIR = BASE_DIR / DATA_DIR
try:
    DATA_DIR.mkdir(parents=True, exist_ok=True)
except OSError as error:
    raise ImproperlyConfigured(
        f"OCPPLAB_DATA_DIR {DATA_DIR}: {error.strerror}"
    ) from None

HOST = env.str("HOST", default="127.0.0.1")
try:
    PORT = env.int("PORT", default=8000)
except ValueError:
    raise ImproperlyConfigured("PORT is no whole number.") from None


# Where the web process ends TLS itself, for https and wss: 0 means nowhere. One
# certificate (a chain, PEM) and key, or several of each, as for RSA and EC.
TLS_PORT = env.int("OCPPLAB_TLS_PORT", default=0)
TLS_CERTIFICATES = env.list("OCPPLAB_TLS_CERTIFICATE", default=[])
TLS_KEYS = env.list("OCPPLAB_TLS_KEY", default=[])
if TLS_PORT and not (TLS_CERTIFICATES and len(TLS_CERTIFICATES) == len(TLS_KEYS)):
    raise ImproperlyConfigured(
        "OCPPLAB_TLS_PORT needs OCPPLAB_TLS_CERTIFICATE and OCPPLAB_TLS_KEY, as many of "
        "each."
    )


def _secret_key() -> str:
    """SECRET_KEY, or one made on first start and kept in the data directory.

    Portals on several machines must be given the same one.
    """
    if given := env.str("SECRET_KEY", default=""):
        return given
    path = DATA_DIR / "secret.key"
    try:
        with path.open("x") as file:
            path.chmod(0o600)
            file.write(get_random_secret_key())
    except FileExistsError:
        pass
    return path.read_text()


SECRET_KEY = _secret_key()
DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]", HOST]
)
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# Behind a proxy that ends TLS: cookies travel over https only.
HTTPS = env.bool("HTTPS", default=False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
# How long browsers are to refuse plain http once they have seen https, s.
SECURE_HSTS_SECONDS = env.int(
    "OCPPLAB_HSTS_SECONDS", default=365 * 24 * 3600 if HTTPS else 0
)
# Proxies in front of the web process, each adding to X-Forwarded-For: without them that
# header is what any client says.
PROXIES = env.int("OCPPLAB_PROXIES", default=0)
# A session ends so long after signing in, s, whatever is done in it.
SESSION_COOKIE_AGE = env.int("OCPPLAB_SESSION_AGE", default=12 * 3600)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
X_FRAME_OPTIONS = "DENY"

INSTALLED_APPS = [
    "daphne",
    "commands",
    "chargers",
    "ocpplab",
    "ocpplab.apps.PortalAdminConfig",  # django.contrib.admin, with a menu of our own
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_rq",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "ocpplab.middleware.ContentSecurityPolicy",
    "ocpplab.middleware.NoNul",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "ocpplab.middleware.NotModified",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "ocpplab.audit.AuditMiddleware",
]

ROOT_URLCONF = "ocpplab.urls"
ASGI_APPLICATION = "ocpplab.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- Database -----------------------------------------------------------------------


def _database() -> dict[str, object]:
    """DATABASE_URL, or SQLite in the data directory.

    Several processes write the SQLite file at once: without WAL, IMMEDIATE transactions
    and a timeout they would meet "database is locked".
    """
    url = env.str("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'ocpplab.sqlite3'}")
    scheme = url.split(":", 1)[0][:30]
    if scheme not in ("sqlite", "postgres", "postgresql"):
        raise ImproperlyConfigured(
            f"DATABASE_URL: {scheme!r} is neither sqlite nor postgres."
        )
    try:
        database = environ.Env.db_url_config(url)
    except Exception as error:
        raise ImproperlyConfigured(f"DATABASE_URL is not understood: {error}") from None
    engine = str(database.get("ENGINE", ""))
    if engine.endswith("sqlite3"):
        database["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        }
        database["CONN_MAX_AGE"] = None  # to open a file anew costs as much as a write
    else:
        # Under ASGI each request has a thread of its own: a pool, not a connection each.
        database.setdefault("OPTIONS", {})["pool"] = {
            "min_size": 1,
            "max_size": 20,
            "timeout": 5,
        }
    return database


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis: RQ queues, channel layer, delivery to chargers --------------------------


def _redis_socket() -> Path:
    """In the data directory; where that path is too long for a Unix socket (some 100
    characters), under the temporary directory, by a name of this directory's own."""
    path = DATA_DIR / "redis.sock"
    if len(os.fsencode(path)) <= 100:
        return path
    mark = hashlib.sha256(os.fsencode(DATA_DIR.resolve())).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"ocpplab-{os.getuid()}-{mark}.sock"


REDIS_SOCKET = _redis_socket()
REDIS_URL = env.str("REDIS_URL", default="")
# Without REDIS_URL, `manage.py portal` starts a server of its own on this socket.
REDIS_IS_EMBEDDED = not REDIS_URL
if REDIS_IS_EMBEDDED:
    REDIS_URL = f"unix://{quote(str(REDIS_SOCKET))}?db=0"
elif not REDIS_URL.startswith(("redis://", "rediss://", "unix://")):
    raise ImproperlyConfigured("REDIS_URL is not understood: it begins redis://")

RQ_QUEUES = {"default": {"URL": REDIS_URL, "DEFAULT_TIMEOUT": 60}}
# No fork per job: our jobs are short, and a fork costs more than they do.
RQ = {"WORKER_CLASS": "ocpplab.worker.PortalWorker", "DEFAULT_RESULT_TTL": 60}
# What the workers do of themselves, and how often, s.
PERIODIC_JOBS = {
    "ocpplab.jobs.delete_old_idempotency_keys": 3600,
    "ocpplab.jobs.delete_old_audit_entries": 3600,
    "commands.jobs.sweep_commands": 5,
    "commands.jobs.stop_due_sessions": 5,
    "commands.jobs.delete_old_commands": 3600,
    "chargers.jobs.settle_provisioning": 2,
    "chargers.jobs.mark_lost_chargers": 5,
    "chargers.jobs.delete_old_messages": 3600,
    "chargers.jobs.sample_power": 60,
    "chargers.jobs.delete_old_samples": 3600,
}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": [REDIS_URL],
        "KEY_PREFIX": "ocpplab",
        "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},
    }
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": "ocpplab"},
    }
}

# --- People and tokens --------------------------------------------------------------

AUTH_USER_MODEL = "ocpplab.User"
LOGIN_URL = "admin:login"
LOGOUT_REDIRECT_URL = LOGIN_URL
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "ocpplab.hashers.ChargerPasswordHasher",
    "ocpplab.hashers.EarlierChargerPasswordHasher",
]
# Wrong passwords for one user name from one address before it has to wait, and how long
# it has to, s.
SIGN_IN_ATTEMPTS = env.int("OCPPLAB_SIGN_IN_ATTEMPTS", default=5)
SIGN_IN_PAUSE = env.int("OCPPLAB_SIGN_IN_PAUSE", default=15 * 60)
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

# --- REST API -----------------------------------------------------------------------

# Requests that a token may make, such as 600/minute. Empty: as many as it likes.
API_RATE = env.str("OCPPLAB_API_RATE", default="")
if not re.fullmatch(r"(\d+/(second|minute|hour|day))?", API_RATE):
    raise ImproperlyConfigured("OCPPLAB_API_RATE is not understood: 600/minute is.")

# Chargers that a URL may name; as long a URL as the web process reads.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2500

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["ocpplab.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["ocpplab.permissions.HasOrganization"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "ocpplab.schema.GatewaySchema",
    "DEFAULT_THROTTLE_CLASSES": ["ocpplab.throttling.TokenRateThrottle"],
    "EXCEPTION_HANDLER": "ocpplab.api.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "COERCE_DECIMAL_TO_STRING": False,
    "LIST_SERIALIZER_ERRORS_AS_DICT": True,
    # Escaped, any text can be sent, even one that is refused for being half a character.
    "UNICODE_JSON": False,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "OCPPLAB Gateway API",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "ENUM_NAME_OVERRIDES": {
        "OCPPVersion": "chargers.choices.OCPPVersion",
        "ProvisioningStatus": "chargers.choices.ProvisioningStatus",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "ocpplab.schema.add_plain_routes",
    ],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    # A link within each button that unfolds a call would be no use to a screen reader.
    "SWAGGER_UI_SETTINGS": {"deepLinking": False, "persistAuthorization": True},
}

# --- Chargers and commands ----------------------------------------------------------

_local_host = "127.0.0.1" if HOST in ("", "0.0.0.0", "::") else HOST  # noqa: S104
# Where virtual chargers without a ws_url of their own dial: the built-in endpoint.
OCPP_ENDPOINT_URL = env.str(
    "OCPPLAB_ENDPOINT_URL", default=f"ws://{_local_host}:{PORT}/ocpp"
).rstrip("/")
# The same by TLS, for those that come to need it (security profiles 2 and 3).
OCPP_SECURE_ENDPOINT_URL = env.str(
    "OCPPLAB_SECURE_ENDPOINT_URL",
    default=f"wss://{_local_host}:{TLS_PORT}/ocpp" if TLS_PORT else "",
).rstrip("/")
# What BootNotification answers as heartbeat interval, s.
OCPP_HEARTBEAT_INTERVAL = env.int("OCPPLAB_HEARTBEAT_INTERVAL", default=300)
# Idle for so long, a charger's WebSocket is pinged; without an answer for so long after
# that, it is closed, s.
OCPP_PING_INTERVAL = env.int("OCPPLAB_PING_INTERVAL", default=20)
OCPP_PING_TIMEOUT = env.int("OCPPLAB_PING_TIMEOUT", default=30)
# Whether who dials an organization's endpoint with an identity that nobody registered is
# registered, its boot pending until an operator accepts it.
OCPP_REGISTER_UNKNOWN_CHARGERS = env.bool(
    "OCPPLAB_REGISTER_UNKNOWN_CHARGERS", default=False
)
# The header in which a proxy that ends TLS hands on the client certificate that it asked
# for (PEM, percent-encoded), such as X-Client-Cert. It must drop that of the client.
OCPP_CLIENT_CERTIFICATE_HEADER = env.str(
    "OCPPLAB_CLIENT_CERTIFICATE_HEADER", default=""
)
# Hosts of OCSP responders that may be asked about certificates of other authorities.
OCPP_OCSP_HOSTS = env.list("OCPPLAB_OCSP_HOSTS", default=[])
# A transaction of which its charger, booted since, has said nothing for so long is over.
TRANSACTION_ABANDONED_AFTER = env.int(
    "OCPPLAB_TRANSACTION_ABANDONED_AFTER", default=24 * 3600
)
# How long a queued command may wait for its charger before it expires, s.
COMMAND_TTL = env.int("OCPPLAB_COMMAND_TTL", default=600)
# How long a charger may take to carry a command out before it counts as failed, s.
COMMAND_TIMEOUT = env.int("OCPPLAB_COMMAND_TIMEOUT", default=60)
# How long a caller waits for the result of a direct command, s; below the 60 s after
# which the published client gives up.
COMMAND_WAIT = env.int("OCPPLAB_COMMAND_WAIT", default=30)
# How long a new charger may take to have its boot accepted before it is FAILED, s.
PROVISIONING_TIMEOUT = env.int("OCPPLAB_PROVISIONING_TIMEOUT", default=30)
# Virtual chargers that one fleet process takes at most.
FLEET_CAPACITY = env.int("OCPPLAB_FLEET_CAPACITY", default=5000)
# Rows older than this are cleaned up, days.
MESSAGE_RETENTION_DAYS = env.int("OCPPLAB_MESSAGE_RETENTION_DAYS", default=30)
COMMAND_RETENTION_DAYS = env.int("OCPPLAB_COMMAND_RETENTION_DAYS", default=365)
AUDIT_RETENTION_DAYS = env.int("OCPPLAB_AUDIT_RETENTION_DAYS", default=365)
# Demo organization, location and chargers, made on first start.
DEMO = env.bool("OCPPLAB_DEMO", default=True)

# --- The rest -----------------------------------------------------------------------

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
FORMAT_MODULE_PATH = "ocpplab.formats"

STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "stream": sys.stderr,
            "formatter": "line",
        }
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="WARNING")},
    "loggers": {
        # What daphne and websockets say per connection is in the message log already.
        "daphne": {"level": "WARNING"},
        "websockets": {"level": "CRITICAL"},
        # Each of its attempts; what comes of them is an error of ours.
        "psycopg.pool": {"level": "ERROR"},
    },
}
