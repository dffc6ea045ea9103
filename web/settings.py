"""Every setting of Asusu, read from the environment; `.env.example` lists each variable."""

import logging
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.core.exceptions import ImproperlyConfigured
from huey.serializer import SignedSerializer
from redis.connection import parse_url

from web.auth.allauth_settings import *  # noqa: F403 - the settings that no environment variable changes
from web.environment import (
    POSTGRES_OPTIONS,
    SQLITE_OPTIONS,
    Env,
    check_database,
    check_hosts,
    check_url,
    mailer,
    parse_from_email,
    parse_site_url,
    parsed,
)
from web.middleware.content_policy import content_policy
from web.observability import toolbar_settings
from web.observability.logging_settings import logging_settings
from web.operator_settings import metrics_token, operator_settings, staff_settings
from web.payout_settings import card_settings, payout_settings

BASE_DIR = Path(__file__).resolve().parent.parent

env = Env()
env.read_env(env.str("ENV_FILE", default=str(BASE_DIR / ".env")))
VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var")))  # static files; in development the database


def required(name: str) -> str:
    """Return a variable that production requires."""
    value = env.str(name, default="")
    if not value:
        raise ImproperlyConfigured(f"Set {name} in the environment (or DEBUG=1 for development).")
    return value


# Installation. DEBUG is off by default, so that a forgotten variable is safe.

DEBUG = env.flag("DEBUG", default=False)
PORT = env.number("PORT", default=8000, least=1, most=65_534)
OPERATOR = operator_settings(env)
# localhost, because browsers refuse passkeys at an IP address.
_site = parse_site_url(
    env.str("SITE_URL", default=f"http://localhost:{PORT}") if DEBUG else required("SITE_URL")
)
SITE_URL, SITE_HOST = _site.url, _site.host
SECRET_KEY = (
    env.str("SECRET_KEY", default="development-only-" + "x" * 40) if DEBUG else required("SECRET_KEY")
)
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = check_hosts(
    env.list("ALLOWED_HOSTS", default=[SITE_HOST, *(["127.0.0.1", "[::1]", "localhost"] if DEBUG else [])])
)
CSRF_TRUSTED_ORIGINS = [SITE_URL]
INTERNAL_IPS = ["127.0.0.1", "::1"] if DEBUG else []
# Development tools. Without DEBUG they are not installed and have no URLs.
HAS_LAB = DEBUG
DEBUG_TOOLBAR = DEBUG and env.flag("DEBUG_TOOLBAR", default=True)

# Money. Amounts are kobo, rates basis points; see savings/README.md.

CURRENCY = env.code("CURRENCY", default="NGN", letters=3)
CURRENCY_SIGN = env.str("CURRENCY_SIGN", default="₦") or CURRENCY
TOP_UP_MIN_KOBO = env.number("TOP_UP_MIN_KOBO", default=100_00, least=1)
TOP_UP_MAX_KOBO = env.number("TOP_UP_MAX_KOBO", default=10_000_000_00, least=TOP_UP_MIN_KOBO)
PLAN_MAX_KOBO = env.number("PLAN_MAX_KOBO", default=1_000_000_000_00, least=TOP_UP_MIN_KOBO, most=10**15)
WITHHOLDING_TAX_BPS = env.number("WITHHOLDING_TAX_BPS", default=1000, most=10_000)
PAYOUTS, CARDS, STAFF = payout_settings(env), card_settings(env), staff_settings(env)
CIRCLE_MEMBER_LIMIT = env.number("CIRCLE_MEMBER_LIMIT", default=200, least=1)  # of a closed circle

# Payment provider. Without a key the included simulator is used.

PAYSTACK_SECRET_KEY = env.str("PAYSTACK_SECRET_KEY", default="")
SIMULATOR_URL = check_url("SIMULATOR_URL", env.str("SIMULATOR_URL", default=f"http://127.0.0.1:{PORT + 1}"))
SIMULATOR_SECRET_KEY = env.str("SIMULATOR_SECRET_KEY", default="sk_test_simulator")
# The simulator's storage: one file per port, so that two simulators never send each other's events.
_simulator_file = f"{VAR_DIR}/simulator-{urlsplit(SIMULATOR_URL).port}.sqlite3"
SIMULATOR_FILE = Path(env.str("SIMULATOR_FILE", default=_simulator_file))
ALLOW_SIMULATOR = env.flag("ALLOW_SIMULATOR", default=False)
USES_SIMULATOR = not PAYSTACK_SECRET_KEY
PROVIDER_URL = SIMULATOR_URL if USES_SIMULATOR else "https://api.paystack.co"
PROVIDER_CHECKOUT_ORIGIN = SIMULATOR_URL if USES_SIMULATOR else "https://checkout.paystack.com"
PROVIDER_SECRET_KEY = PAYSTACK_SECRET_KEY or SIMULATOR_SECRET_KEY
PROVIDER_TIMEOUT_SECONDS = 10
# The bearer of the provider's fee, by the channel of a payment. "refused" means that such a payment is never credited.
_BEARERS = ("operator", "payer", "refused")
FEE_BEARER_CARD = env.choice("FEE_BEARER_CARD", default="operator", choices=_BEARERS)
FEE_BEARER_FOREIGN_CARD = env.choice("FEE_BEARER_FOREIGN_CARD", default="refused", choices=_BEARERS)
FEE_BEARER_OTHER = env.choice("FEE_BEARER_OTHER", default="operator", choices=_BEARERS)
SETTLES_TO_BALANCE = env.flag("SETTLES_TO_BALANCE", default=False)  # or to the customers' bank account
HOME_COUNTRY = env.code("HOME_COUNTRY", default="NG", letters=2)  # cards of other countries are foreign

# Applications

INSTALLED_APPS = [
    "savings",
    "web",
    "web.apps.StaffAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "django_htmx",
    "huey.contrib.djhuey",
]
MIDDLEWARE = [
    "web.middleware.requests.RequestIdMiddleware",
    "web.middleware.body_limits.UnreadBodyMiddleware",
    "web.observability.request_costs.CountingMiddleware",
    "web.middleware.headers.HeadersMiddleware",
    "web.middleware.database.TimeoutMiddleware",
    "web.middleware.health.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "web.middleware.url_text.AddressMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # After WhiteNoise and around everything that writes HTML; the toolbar does not touch compressed pages.
    "web.middleware.compression.CompressionMiddleware",
    "web.middleware.hidden_balances.HiddenBalancesMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "web.middleware.requests.ResponseHeadersMiddleware",
    "web.middleware.integrity.AdminMiddleware",
    "web.middleware.body_limits.BodyLimitMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "web.middleware.rate_limits.NewSessionMiddleware",
    "web.middleware.requests.SlashMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "web.auth.sessions.UserMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "web.auth.sign_in.SignInMiddleware",
    "web.auth.pending_sign_in.PendingSignInMiddleware",
    "web.auth.second_step.BackOfficeMiddleware",
    # After the redirects to sign-in and second steps, so that only requests that reach a view count.
    "web.middleware.rate_limits.RateLimitMiddleware",
    "web.auth.sign_in.InvalidFormMiddleware",
]
if DEBUG_TOOLBAR:
    INSTALLED_APPS += ["debug_toolbar"]
    # After WhiteNoise, and around everything that uses the database, the cache or Redis.
    MIDDLEWARE.insert(
        MIDDLEWARE.index("django_htmx.middleware.HtmxMiddleware"), "web.observability.toolbar.Middleware"
    )
ROOT_URLCONF = "web.urls"
WSGI_APPLICATION = "web.wsgi.application"
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
            ],
        },
    },
]
FORM_RENDERER = "web.forms.fields.Renderer"
MESSAGE_STORAGE = "web.notices.Storage"

# Storage

DATABASES = {
    "default": env.db_url("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'asusu.sqlite3'}")
    if DEBUG
    else parsed("DATABASE_URL", lambda: env.db_url_config(required("DATABASE_URL")))
}
check_database(DATABASES["default"])
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    VAR_DIR.mkdir(parents=True, exist_ok=True)
    DATABASES["default"]["OPTIONS"] = dict(SQLITE_OPTIONS)
else:
    DATABASES["default"]["CONN_MAX_AGE"] = env.number("CONN_MAX_AGE", default=60)
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    # A pooler in transaction mode, such as PgBouncer, may give each transaction another connection, without the
    # cursor.
    DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = True
    DATABASES["default"]["OPTIONS"] = POSTGRES_OPTIONS | DATABASES["default"].get("OPTIONS", {})

# The longest wait of a request for one answer of PostgreSQL before a 503. Background work has no limit.
DATABASE_TIMEOUT_SECONDS = env.float("DATABASE_TIMEOUT_SECONDS", default=10)
if not DATABASE_TIMEOUT_SECONDS >= 1:
    raise ImproperlyConfigured("DATABASE_TIMEOUT_SECONDS must be at least 1.")

REDIS_URL = (
    env.str("REDIS_URL", default=f"unix://{VAR_DIR / f'redis-{PORT}.sock'}")
    if DEBUG
    else required("REDIS_URL")
)


def redis_database(number: int, **options: float) -> str:
    """Return `REDIS_URL` with its database number increased: pools are keyed by URL, so each use has its own."""
    address, _, query = REDIS_URL.partition("?")
    given = parsed("REDIS_URL", lambda: parse_url(REDIS_URL))
    settings = dict(parse_qsl(query)) | options | {"db": given.get("db", 0) + number}
    return f"{address}?{urlencode(settings)}"


_CACHE_OPTIONS = {
    "REDIS_CLIENT_CLASS": "savings.leaderboards.RedisClient",
    "IGNORE_EXCEPTIONS": True,
    "SOCKET_CONNECT_TIMEOUT": 0.25,
    "SOCKET_TIMEOUT": 0.25,
}
CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "web.caching.cache.Cache",
        "LOCATION": redis_database(0),
        "KEY_PREFIX": "asusu",
        "OPTIONS": _CACHE_OPTIONS | {"SERIALIZER": "web.caching.redis_client.Json"},
    },
    # Whole pages and `{% cache %}` fragments, in the boards' database, because one script reads a page and its board's
    # version.
    "template_fragments": {
        "BACKEND": "web.caching.fragments.FragmentCache",
        "LOCATION": redis_database(2),
        "KEY_PREFIX": "asusu",
        "OPTIONS": _CACHE_OPTIONS | {"CLIENT_CLASS": "web.caching.fragments.RawClient"},
    },
}
DJANGO_REDIS_LOG_IGNORED_EXCEPTIONS = True
# If off, every page is rendered for each request; nothing else changes.
KEEPS_PAGES = env.flag("KEEPS_PAGES", default=True)
# What is deployed. Without a name, each process reads its sources at the start to tell another release's pages.
RELEASE = env.str("ASUSU_RELEASE", default="")
METRICS_TOKEN = metrics_token(env)
SESSION_ENGINE = "web.auth.sessions"

# A board comes from Redis within a millisecond, or else from SQL. Loading one may take longer, because no request
# waits.
LEADERBOARD_REDIS_URL = redis_database(2, socket_timeout=0.25, socket_connect_timeout=0.25)
LEADERBOARD_UPKEEP_REDIS_URL = redis_database(2, socket_timeout=10, socket_connect_timeout=0.5)

HUEY: dict[str, Any] = {
    "huey_class": "huey.RedisExpireHuey",
    "name": "asusu",
    "immediate": False,
    "results": False,
    "utc": True,
    "serializer": SignedSerializer(secret=SECRET_KEY),
    # Longer than the consumer's blocking read of one second; a shorter timeout loses tasks silently.
    "connection": {"url": redis_database(1, socket_timeout=3, socket_connect_timeout=0.5)},
    # With TERM a consumer finishes its running tasks; INT, such as a second Ctrl-C, does not wait for them.
    "consumer": {
        "workers": env.number("HUEY_WORKERS", default=4, least=1),
        "worker_type": "thread",
        "check_worker_health": True,
        "graceful_signal": "TERM",
    },
}

# Outbox. The lease is longer than the slowest send: twelve answers of a mail server, each just before its timeout.

OUTBOX_LEASE_SECONDS = env.number("OUTBOX_LEASE_SECONDS", default=300, least=1)
OUTBOX_FIRST_WAIT_SECONDS = env.number("OUTBOX_FIRST_WAIT_SECONDS", default=30, least=1)

# Statements. A writer renews its short lease while it works, so that a dead writer is replaced soon.

STATEMENT_LEASE_SECONDS = env.number("STATEMENT_LEASE_SECONDS", default=60, least=1)
# How long a file is stored, and how long a link to it is valid.
STATEMENT_DAYS = env.number("STATEMENT_DAYS", default=7, least=1)
STATEMENT_LINK_HOURS = env.number("STATEMENT_LINK_HOURS", default=24, least=1)
# At most half of a consumer's threads write statements; the rest send mails.
STATEMENT_WRITERS = max(1, HUEY["consumer"]["workers"] // 2)
# The rows that a writer reads at a time, a twentieth of a second's work, and the seconds between two checkpoints.
STATEMENT_PAGE_ROWS, STATEMENT_PROGRESS_SECONDS = 5_000, 1

# Email. In development, without EMAIL_URL, mails stay in the site's own mailbox.

EMAIL_TIMEOUT_SECONDS = 10
DEFAULT_FROM_EMAIL = parse_from_email(
    env.str("DEFAULT_FROM_EMAIL", default="Asusu <hello@asusu.example>" if DEBUG else ""), _site
)
SERVER_EMAIL = DEFAULT_FROM_EMAIL
EMAIL_URL = env.str("EMAIL_URL", default="") if DEBUG else required("EMAIL_URL")
# Pages that send a mail link to the mailbox. Never in production.
SHOWS_MAILBOX = DEBUG and not EMAIL_URL
_email = parsed("EMAIL_URL", lambda: env.email_url_config(EMAIL_URL or "dummymail://"))
MAILERS = {"default": mailer(_email, timeout_seconds=EMAIL_TIMEOUT_SECONDS)}

# Users and passwords

AUTH_USER_MODEL = "savings.User"
# Sessions store this path: a different one would sign everyone out, so `web.sessions` exists for it.
AUTHENTICATION_BACKENDS = ["web.sessions.Backend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "web.auth.password_strength.HardToGuessValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "dashboard:home"

# Sign-in and sign-up with django-allauth; see also web/auth/allauth_settings.py and web/auth/guessing.py.

SIGNUP_OPEN = env.flag("SIGNUP_OPEN", default=True)
# The number of our proxies that write X-Forwarded-For. If too low, all users share the proxy's IP address and its
# limits; if too high, a client can claim any IP address.
ALLAUTH_TRUSTED_PROXY_COUNT = env.number("TRUSTED_PROXIES", default=0 if DEBUG else 1)
# Limits per user and IP address in web/middleware/rate_limits.py. Limits on guessing are separate.
RATE_LIMITS = env.flag("RATE_LIMITS", default=True)
# Multiplies the limits per IP address, for networks where very many people share one.
IP_RATE_LIMIT_FACTOR = env.number("IP_RATE_LIMIT_FACTOR", default=1, least=1)
# How long a replaced email address can undo the change, and stays reserved.
EMAIL_UNDO_DAYS = env.number("EMAIL_UNDO_DAYS", default=7, least=1)

# Elastic APM; see docs/apm.md. Without a server URL the agent is not loaded; in development only with
# ELASTIC_APM_DEBUG.

ELASTIC_APM = {
    "CLIENT": "web.observability.telemetry.Client",
    "SERVER_URL": check_url(
        "ELASTIC_APM_SERVER_URL", env.str("ELASTIC_APM_SERVER_URL", default=""), needed=False
    ),
    "SECRET_TOKEN": env.str("ELASTIC_APM_SECRET_TOKEN", default=""),
    "API_KEY": env.str("ELASTIC_APM_API_KEY", default=""),
    "SERVICE_NAME": env.str("ELASTIC_APM_SERVICE_NAME", default="asusu"),
    "ENVIRONMENT": env.str("ELASTIC_APM_ENVIRONMENT", default="development" if DEBUG else "production"),
    "TRANSACTION_SAMPLE_RATE": env.float("ELASTIC_APM_TRANSACTION_SAMPLE_RATE", default=0.1),
    "ENABLED": env.flag("ELASTIC_APM_ENABLED", default=True),
    "DEBUG": env.flag("ELASTIC_APM_DEBUG", default=False),
}
USES_APM = bool(ELASTIC_APM["SERVER_URL"] and ELASTIC_APM["ENABLED"] and (ELASTIC_APM["DEBUG"] or not DEBUG))
if USES_APM:
    INSTALLED_APPS.append("elasticapm.contrib.django")

# Language, time zone and files

LANGUAGE_CODE = "en-gb"
TIME_ZONE = env.time_zone("TIME_ZONE", default="Africa/Lagos")
USE_I18N = False
FORMAT_MODULE_PATH = "web.formats"
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = VAR_DIR / "static"
if DEBUG:
    # WhiteNoise warns if the folder is missing; only production collects files into it.
    STATIC_ROOT.mkdir(parents=True, exist_ok=True)
# Files that browsers and other programs request at the root of the site, such as robots.txt.
WHITENOISE_ROOT = BASE_DIR / "static/root"
WHITENOISE_MIMETYPES = {".webmanifest": "application/manifest+json"}
STORAGES: dict[str, Any] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# Statements are stored here or in an S3 bucket. Only our own view serves them.
STATEMENTS_DIR = VAR_DIR / "statements"
STATEMENTS_BUCKET = env.str("STATEMENTS_BUCKET", default="")
if STATEMENTS_BUCKET:
    # Only installations with a bucket have the package.
    from botocore.config import Config

    STORAGES["statements"] = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": STATEMENTS_BUCKET,
            "endpoint_url": check_url(
                "STATEMENTS_ENDPOINT_URL", env.str("STATEMENTS_ENDPOINT_URL", default=""), needed=False
            )
            or None,
            "region_name": env.str("STATEMENTS_REGION", default="") or None,
            "access_key": required("STATEMENTS_ACCESS_KEY"),
            "secret_key": required("STATEMENTS_SECRET_KEY"),
            "default_acl": "private",
            "querystring_auth": True,
            # A whole file is fetched before its first byte is sent: to disk, or into memory if it is small.
            "max_memory_size": 8 * 1024 * 1024,
            # By default the client tries five times for a minute each, which would block a worker's only thread while
            # the bucket is down.
            "client_config": Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 2}),
        },
    }
else:
    STORAGES["statements"] = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": STATEMENTS_DIR / "files"},
    }

# Browser security

SECURE_CSP = content_policy(PROVIDER_CHECKOUT_ORIGIN)
CSRF_FAILURE_VIEW = "web.views.errors.csrf_failure"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
# The largest form. Routes that accept more are in web/middleware/body_limits.py.
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024
DATA_UPLOAD_MAX_NUMBER_FILES = 1
# Security contacts, as email addresses or URLs, for /.well-known/security.txt; without one, that is 404.
SECURITY_CONTACTS = [
    contact if ":" in contact else f"mailto:{contact}"
    for contact in env.list("SECURITY_CONTACTS", default=[])
]
# Browsers accept a __Host- cookie only over HTTPS and from this host, so no other host of the domain can set it.
COOKIE_PREFIX = "" if DEBUG else "__Host-"
SESSION_COOKIE_NAME = f"{COOKIE_PREFIX}sessionid"
CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}csrftoken"
if not DEBUG:
    SECURE_SSL_REDIRECT = env.flag("SECURE_SSL_REDIRECT", default=True)
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
    # Both also apply to other hosts of the domain and cannot be revoked quickly, so the operator decides.
    SECURE_HSTS_INCLUDE_SUBDOMAINS = env.flag("HSTS_INCLUDE_SUBDOMAINS", default=False)
    SECURE_HSTS_PRELOAD = env.flag("HSTS_PRELOAD", default=False)
    SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

# Debug toolbar, installed by requirements/dev.txt only

DEBUG_TOOLBAR_PANELS = toolbar_settings.PANELS
DEBUG_TOOLBAR_CONFIG = toolbar_settings.CONFIG

# Logging

LOGGING = logging_settings(debug=DEBUG, level=env.log_level("LOG_LEVEL"))
if not DEBUG:
    logging.captureWarnings(capture=True)
