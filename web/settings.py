"""Every setting of Asusu, read from the environment; `.env.example` lists each variable."""

import logging
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.utils.csp import CSP
from huey.serializer import SignedSerializer
from redis.connection import parse_url

from web.environment import Env, check_hosts, check_url, parse_from_email, parse_site_url, parsed

BASE_DIR = Path(__file__).resolve().parent.parent

env = Env()
env.read_env(env.str("ENV_FILE", default=str(BASE_DIR / ".env")))
# Where the site keeps files of its own: collected static files, and in development the database.
VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var")))


def required(name: str) -> str:
    """Return a variable that a production start cannot do without."""
    value = env.str(name, default="")
    if not value:
        raise ImproperlyConfigured(f"Set {name} in the environment (or DEBUG=1 for development).")
    return value


# What kind of installation this is. Off unless said otherwise, so that a forgotten variable is safe.

DEBUG = env.flag("DEBUG", default=False)
PORT = env.number("PORT", default=8000, least=1, most=65_534)
# Who issues the statements: the name of the operator, as savers know it.
ISSUER = env.str("ISSUER", default="Asusu")
# By name, since browsers refuse passkeys at an IP address.
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
# Development's own tools. With DEBUG off neither is there: not installed, and no address leads to it.
HAS_LAB = DEBUG
DEBUG_TOOLBAR = DEBUG and env.flag("DEBUG_TOOLBAR", default=True)

# Money. Amounts are kobo, rates basis points; see savings/README.md.

CURRENCY = env.str("CURRENCY", default="NGN")
if not re.fullmatch("[A-Z]{3}", CURRENCY):
    raise ImproperlyConfigured("CURRENCY must be a code of three capital letters, such as NGN.")
CURRENCY_SIGN = env.str("CURRENCY_SIGN", default="₦") or CURRENCY
TOP_UP_MIN_KOBO = env.number("TOP_UP_MIN_KOBO", default=100_00, least=1)
TOP_UP_MAX_KOBO = env.number("TOP_UP_MAX_KOBO", default=10_000_000_00, least=TOP_UP_MIN_KOBO)
PLAN_MAX_KOBO = env.number("PLAN_MAX_KOBO", default=1_000_000_000_00, least=TOP_UP_MIN_KOBO, most=10**15)
WITHHOLDING_TAX_BPS = env.number("WITHHOLDING_TAX_BPS", default=1000, most=10_000)
# How many may be in a circle that is not open to everybody.
CIRCLE_MEMBER_LIMIT = env.number("CIRCLE_MEMBER_LIMIT", default=200, least=1)

# The payment provider. Without a key the simulator that ships with the project stands in.

PAYSTACK_SECRET_KEY = env.str("PAYSTACK_SECRET_KEY", default="")
SIMULATOR_URL = check_url("SIMULATOR_URL", env.str("SIMULATOR_URL", default=f"http://127.0.0.1:{PORT + 1}"))
SIMULATOR_SECRET_KEY = env.str("SIMULATOR_SECRET_KEY", default="sk_test_simulator")
# What the simulator remembers: a file for each of its addresses, so that two never send each other's events.
SIMULATOR_FILE = Path(
    env.str("SIMULATOR_FILE", default=f"{VAR_DIR}/simulator-{urlsplit(SIMULATOR_URL).port}.sqlite3")
)
ALLOW_SIMULATOR = env.flag("ALLOW_SIMULATOR", default=False)
USES_SIMULATOR = not PAYSTACK_SECRET_KEY
PROVIDER_URL = SIMULATOR_URL if USES_SIMULATOR else "https://api.paystack.co"
PROVIDER_CHECKOUT_ORIGIN = SIMULATOR_URL if USES_SIMULATOR else "https://checkout.paystack.com"
PROVIDER_SECRET_KEY = PAYSTACK_SECRET_KEY or SIMULATOR_SECRET_KEY
PROVIDER_TIMEOUT_SECONDS = 10

# Applications

INSTALLED_APPS = [
    "savings",
    "web",
    "django.contrib.admin",
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
    "web.caching.counting.CountingMiddleware",
    "web.middleware.headers.HeadersMiddleware",
    "web.middleware.database.TimeoutMiddleware",
    "web.middleware.health.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "web.middleware.url_text.AddressMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # Inside what serves static files and outside of all that writes HTML: the toolbar leaves compressed pages alone.
    "web.middleware.compression.CompressionMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "web.middleware.requests.ResponseHeadersMiddleware",
    "web.middleware.integrity.AdminMiddleware",
    # Before anything reads what a form sends.
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
    # Counts only what reaches a view: who is led away to sign in, or to a second step, has done nothing yet.
    "web.middleware.rate_limits.RateLimitMiddleware",
    "web.auth.sign_in.InvalidFormMiddleware",
]
if DEBUG_TOOLBAR:
    INSTALLED_APPS += ["debug_toolbar"]
    # Inside what serves static files, and around all that asks the database, the cache or Redis.
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
if DATABASES["default"].get("ENGINE", "").endswith(".postgresql") and not DATABASES["default"].get("NAME"):
    raise ImproperlyConfigured("DATABASE_URL names no database: postgres://user:password@host/name")
if not DATABASES["default"].get("ENGINE", "").endswith((".postgresql", ".sqlite3")):
    raise ImproperlyConfigured("DATABASE_URL must begin with postgres:// (or sqlite:/// in development).")
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    VAR_DIR.mkdir(parents=True, exist_ok=True)
    # IMMEDIATE takes the write lock at BEGIN, so that two writers queue instead of failing midway.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 10,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON",
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = env.number("CONN_MAX_AGE", default=60)
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    # A pooler in transaction mode, as PgBouncer, gives each transaction another connection, without the cursor.
    DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = True
    # A server that is gone is noticed in seconds, in the web and in the worker. All of these are the client's: a
    # pooler refuses those that it would have to pass on.
    DATABASES["default"]["OPTIONS"] = {
        "connect_timeout": 3,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,
    } | DATABASES["default"].get("OPTIONS", {})

# The longest that a request waits for one answer of PostgreSQL before it ends with 503. Background work has no limit.
DATABASE_TIMEOUT_SECONDS = env.float("DATABASE_TIMEOUT_SECONDS", default=10)
if not DATABASE_TIMEOUT_SECONDS >= 1:
    raise ImproperlyConfigured("DATABASE_TIMEOUT_SECONDS must be at least 1.")

REDIS_URL = (
    env.str("REDIS_URL", default=f"unix://{VAR_DIR / f'redis-{PORT}.sock'}")
    if DEBUG
    else required("REDIS_URL")
)


def redis_database(number: int, **options: float) -> str:
    """Return `REDIS_URL` moved on by so many databases: pools are keyed by URL, so each use has its own."""
    address, _, query = REDIS_URL.partition("?")
    given = parsed("REDIS_URL", lambda: parse_url(REDIS_URL))
    settings = dict(parse_qsl(query)) | options | {"db": given.get("db", 0) + number}
    return f"{address}?{urlencode(settings)}"


CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "web.caching.counting.Cache",
        "LOCATION": redis_database(0),
        "KEY_PREFIX": "asusu",
        "OPTIONS": {
            "SERIALIZER": "web.caching.redis_client.Json",
            "REDIS_CLIENT_CLASS": "web.caching.redis_client.Client",
            "IGNORE_EXCEPTIONS": True,
            "SOCKET_CONNECT_TIMEOUT": 0.5,
            "SOCKET_TIMEOUT": 0.5,
        },
    },
    # Whole pages, and what `{% cache %}` keeps of them: beside the boards, whose versions they are read with.
    "template_fragments": {
        "BACKEND": "web.caching.fragments.Cache",
        "LOCATION": redis_database(2),
        "KEY_PREFIX": "asusu",
        "OPTIONS": {
            "CLIENT_CLASS": "web.caching.fragments.Client",
            "REDIS_CLIENT_CLASS": "web.caching.redis_client.Client",
            "IGNORE_EXCEPTIONS": True,
            "SOCKET_CONNECT_TIMEOUT": 0.5,
            "SOCKET_TIMEOUT": 0.5,
        },
    },
}
DJANGO_REDIS_LOG_IGNORED_EXCEPTIONS = True
# Off, every page is made anew for each request: nothing else is different.
KEEPS_PAGES = env.flag("KEEPS_PAGES", default=True)
SESSION_ENGINE = "web.auth.sessions"

# Boards answer in a millisecond or come from SQL; loading one goes on while nobody waits.
LEADERBOARD_REDIS_URL = redis_database(2, socket_timeout=0.25, socket_connect_timeout=0.25)
LEADERBOARD_UPKEEP_REDIS_URL = redis_database(2, socket_timeout=10, socket_connect_timeout=0.5)

HUEY: dict[str, Any] = {
    "huey_class": "huey.RedisExpireHuey",
    "name": "asusu",
    "immediate": False,
    "results": False,
    "utc": True,
    "serializer": SignedSerializer(secret=SECRET_KEY),
    # Longer than the consumer's blocking read of one second: a shorter one loses tasks silently.
    "connection": {"url": redis_database(1, socket_timeout=3, socket_connect_timeout=0.5)},
    # With TERM a consumer finishes what it is at. Only INT, a second Ctrl-C so to say, does not wait for it.
    "consumer": {
        "workers": env.number("HUEY_WORKERS", default=4, least=1),
        "worker_type": "thread",
        "check_worker_health": True,
        "graceful_signal": "TERM",
    },
}

# The outbox. The lease is longer than the worst send: twelve answers of a mail server, each just before its timeout.

OUTBOX_LEASE_SECONDS = env.number("OUTBOX_LEASE_SECONDS", default=300, least=1)
OUTBOX_FIRST_WAIT_SECONDS = env.number("OUTBOX_FIRST_WAIT_SECONDS", default=30, least=1)

# Statements. A writer keeps its lease short and renews it as it goes: one that died is overtaken soon.

STATEMENT_LEASE_SECONDS = env.number("STATEMENT_LEASE_SECONDS", default=60, least=1)
# How long a file stays on the shelf, and how long a link to it is good for.
STATEMENT_DAYS = env.number("STATEMENT_DAYS", default=7, least=1)
STATEMENT_LINK_HOURS = env.number("STATEMENT_LINK_HOURS", default=24, least=1)
# However many are asked for, half of a consumer's threads are left for mails.
STATEMENT_WRITERS = max(1, HUEY["consumer"]["workers"] // 2)

# E-mail. Without EMAIL_URL mails stay in the site's own mailbox, which only development has.

EMAIL_TIMEOUT_SECONDS = 10
DEFAULT_FROM_EMAIL = parse_from_email(
    env.str("DEFAULT_FROM_EMAIL", default="Asusu <hello@asusu.example>" if DEBUG else ""), _site
)
SERVER_EMAIL = DEFAULT_FROM_EMAIL
EMAIL_URL = env.str("EMAIL_URL", default="") if DEBUG else required("EMAIL_URL")
# With neither, the pages that send a mail show where to read it. Never outside development.
SHOWS_MAILBOX = DEBUG and not EMAIL_URL
_email = parsed("EMAIL_URL", lambda: env.email_url_config(EMAIL_URL or "dummymail://"))
if _email["EMAIL_BACKEND"].endswith("smtp.EmailBackend") and not _email["EMAIL_HOST"]:
    raise ImproperlyConfigured("EMAIL_URL has no host: smtp+tls://user:password@smtp.example.com:587")
MAILERS = {
    "default": {
        "BACKEND": _email["EMAIL_BACKEND"],
        "OPTIONS": {
            "host": _email["EMAIL_HOST"],
            "port": _email["EMAIL_PORT"],
            "username": _email["EMAIL_HOST_USER"],
            "password": _email["EMAIL_HOST_PASSWORD"],
            "use_tls": _email.get("EMAIL_USE_TLS", False),
            "use_ssl": _email.get("EMAIL_USE_SSL", False),
            "timeout": EMAIL_TIMEOUT_SECONDS,
        }
        if _email["EMAIL_BACKEND"].endswith("smtp.EmailBackend")
        else {},
    }
}

# People

AUTH_USER_MODEL = "savings.User"
# Sessions store this path: another one would sign everybody out. `web.sessions` stays for it.
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
LOGIN_REDIRECT_URL = "/dashboard/"

# Signing in and up is django-allauth's. What bounds guessing is in web/auth/guessing.py.

SIGNUP_OPEN = env.flag("SIGNUP_OPEN", default=True)
# How many proxies of ours write X-Forwarded-For. With too few everybody shares the proxy's address, and its limits;
# with too many a stranger can claim any address.
ALLAUTH_TRUSTED_PROXY_COUNT = env.number("TRUSTED_PROXIES", default=0 if DEBUG else 1)
# How much a person or an IP address may do in an hour: web/middleware/rate_limits.py. Not the limits on guessing.
RATE_LIMITS = env.flag("RATE_LIMITS", default=True)
# By how much the limits per IP address are multiplied, where very many people share one.
IP_RATE_LIMIT_FACTOR = env.number("IP_RATE_LIMIT_FACTOR", default=1, least=1)
ACCOUNT_ADAPTER = "web.auth.adapters.AccountAdapter"
ACCOUNT_FORMS = {
    "add_email": "web.forms.users.AddEmailForm",
    "change_password": "web.forms.users.ChangePasswordForm",
    "confirm_email_verification_code": "web.forms.users.ConfirmEmailVerificationCodeForm",
    "confirm_password_reset_code": "web.forms.users.ConfirmPasswordResetCodeForm",
    "login": "web.forms.users.LoginForm",
    "reauthenticate": "web.forms.users.ReauthenticateForm",
    "reset_password": "web.forms.users.ResetPasswordForm",
    "reset_password_from_key": "web.forms.users.ResetPasswordKeyForm",
    "set_password": "web.forms.users.SetPasswordForm",
    "signup": "web.forms.users.SignupForm",
}
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
# A code is typed where one is, while a link opens whichever browser the mail program likes, not signed in there. And
# nothing that reads mails on the way can follow it.
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_FORMAT = {"numeric": True, "length": 8}
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
# Its code stands for the password itself, so it is the longer kind: eight letters.
ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
ACCOUNT_PASSWORD_RESET_BY_CODE_TIMEOUT = 15 * 60
ACCOUNT_LOGIN_ON_PASSWORD_RESET = True
# Of allauth's limits only the one on sign-ups is left. All others are in web/auth/guessing.py, since with allauth's
# anybody can use up the allowance of somebody else. `False` turns off both.
ACCOUNT_RATE_LIMITS: dict[str, str | None] = {
    "change_password": None,
    "confirm_email": None,
    "login": None,
    "login_failed": None,
    "manage_email": None,
    "reauthenticate": None,
    "reset_password": None,
    # Reached with a code alone, which has been typed by then.
    "reset_password_from_key": None,
    "signup": "20/m/ip",
}
MFA_RATE_LIMITS = {"webauthn_login": None}
# With proof by mail this is as silent as "strict" is: known and unknown addresses are answered alike.
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
# How long an address that was replaced can undo that, and nobody else may use it.
EMAIL_UNDO_DAYS = env.number("EMAIL_UNDO_DAYS", default=7, least=1)
ACCOUNT_REAUTHENTICATION_REQUIRED = True
MFA_ADAPTER = "web.auth.adapters.MFAAdapter"
MFA_FORMS = {
    "activate_totp": "web.forms.second_steps.ActivateTOTPForm",
    "add_webauthn": "web.forms.second_steps.AddPasskeyForm",
    "authenticate": "web.forms.second_steps.AuthenticateForm",
    "authenticate_webauthn": "web.forms.second_steps.PasskeySecondStepForm",
    "edit_webauthn": "web.forms.second_steps.EditPasskeyForm",
    "login_webauthn": "web.forms.second_steps.PasskeySignInForm",
    "reauthenticate_webauthn": "web.forms.second_steps.PasskeyProofForm",
    "reauthenticate": "web.forms.second_steps.MFAReauthenticateForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Asusu"
# Also the code before and the one after: clocks differ, and typing takes time. Each works once, see web/auth/totp.py.
MFA_TOTP_TOLERANCE = 1

# Elastic APM, see docs/apm.md. Without a server the agent is not loaded; in development only when asked for.

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

# Language, time, files

LANGUAGE_CODE = "en-gb"
TIME_ZONE = env.time_zone("TIME_ZONE", default="Africa/Lagos")
USE_TZ = True
USE_I18N = False
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = VAR_DIR / "static"
if DEBUG:
    # WhiteNoise warns of a folder that is not there; only a server collects files into it.
    STATIC_ROOT.mkdir(parents=True, exist_ok=True)
# Files that browsers and other programs ask for at the top of the site, whatever its pages say.
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

# Statements are kept here, or where S3 is spoken. Nothing serves them but our own view.
STATEMENTS_DIR = VAR_DIR / "statements"
STATEMENTS_BUCKET = env.str("STATEMENTS_BUCKET", default="")
if STATEMENTS_BUCKET:
    # Only a server with a bucket has the package.
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
            # A whole file is fetched before its first byte goes out: on disk, and into memory only while it is small.
            "max_memory_size": 8 * 1024 * 1024,
            # By itself the client tries five times, for a minute each: so long would a bucket that is away hold up a
            # worker, and its one thread.
            "client_config": Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 2}),
        },
    }
else:
    STORAGES["statements"] = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": STATEMENTS_DIR / "files"},
    }

# The browser's side of security

SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "manifest-src": [CSP.SELF],
    # Chromium holds the redirect after a POST against form-action: paying leaves for the provider.
    "form-action": [CSP.SELF, PROVIDER_CHECKOUT_ORIGIN],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
}
CSRF_FAILURE_VIEW = "web.views.errors.csrf_failure"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
# No form is larger than this. The routes that take more are in web/middleware/body_limits.py.
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024
DATA_UPLOAD_MAX_NUMBER_FILES = 1
# Whom to tell of a weakness, as addresses or URLs, for /.well-known/security.txt; without one it is not there.
SECURITY_CONTACTS = [
    contact if ":" in contact else f"mailto:{contact}"
    for contact in env.list("SECURITY_CONTACTS", default=[])
]
# Browsers take a cookie of such a name only over HTTPS and from this very host: no other host of the domain can set it.
COOKIE_PREFIX = "" if DEBUG else "__Host-"
SESSION_COOKIE_NAME = f"{COOKIE_PREFIX}sessionid"
CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}csrftoken"
if not DEBUG:
    SECURE_SSL_REDIRECT = env.flag("SECURE_SSL_REDIRECT", default=True)
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
    # Both speak for other hosts of the domain too, and cannot be taken back soon: only the operator can know.
    SECURE_HSTS_INCLUDE_SUBDOMAINS = env.flag("HSTS_INCLUDE_SUBDOMAINS", default=False)
    SECURE_HSTS_PRELOAD = env.flag("HSTS_PRELOAD", default=False)
    SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

# The debug toolbar, which only requirements/dev.txt brings along.

DEBUG_TOOLBAR_PANELS = [
    "debug_toolbar.panels.history.HistoryPanel",
    "debug_toolbar.panels.timer.TimerPanel",
    "debug_toolbar.panels.sql.SQLPanel",
    "web.observability.toolbar.CachePanel",
    "web.observability.toolbar.RedisPanel",
    "web.observability.toolbar.HueyPanel",
    "debug_toolbar.panels.templates.TemplatesPanel",
    "debug_toolbar.panels.headers.HeadersPanel",
]
DEBUG_TOOLBAR_CONFIG = {
    # A handle at the edge until it is opened, so that it covers nothing of a page on a phone.
    "SHOW_COLLAPSED": True,
    # What htmx fetches shows up without a reload.
    "UPDATE_ON_FETCH": True,
    "RESULTS_CACHE_SIZE": 50,
    # The contexts of a page are people's balances; and keeping them takes longer than the page.
    "SHOW_TEMPLATE_CONTEXT": False,
    "ENABLE_STACKTRACES_LOCALS": False,
}

# In development a line for a person to read, on a server one JSON object a line, tracebacks included.
_log_level = env.log_level("LOG_LEVEL")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "request_id": {"()": "web.observability.log_lines.RequestIdFilter"},
        "pattern": {"()": "web.observability.log_lines.PatternFilter"},
        "left_alone": {"()": "web.caching.redis_client.LeftAloneFilter"},
    },
    "formatters": {
        "line": {"()": "web.observability.log_lines.LineFormatter"},
        "json": {"()": "web.observability.log_lines.JsonFormatter"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "filters": ["request_id", "pattern"],
            "formatter": "line" if DEBUG else "json",
        },
        "requests": {"class": "logging.StreamHandler"},
    },
    # Whatever has no logger of its own below: libraries, and Python's own warnings.
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        # Django's own handler mails the administrators when DEBUG is off, and prints nothing.
        "django": {"handlers": ["console"], "level": "INFO", "propagate": False},
        "savings": {"handlers": ["console"], "level": _log_level, "propagate": False},
        "web": {"handlers": ["console"], "level": _log_level, "propagate": False},
        "huey": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        "django_redis.cache": {"filters": ["left_alone"]},
        "elasticapm": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        # What each request cost. Development has its headers and the toolbar for that.
        "asusu.request": {
            "handlers": ["requests"],
            "level": "WARNING" if DEBUG else _log_level,
            "propagate": False,
        },
    },
}
if not DEBUG:
    logging.captureWarnings(capture=True)
