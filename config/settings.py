"""Django's settings, made from the checked environment. One file for development, test and production."""

import sys

import dj_database_url
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from config.email import email_settings
from config.environment import BASE_DIR, BadSetting, Mode, read_environment
from config.folders import UnusableFolder, make_folder
from config.logs import logging_config

try:
    ENVIRONMENT = read_environment()
    DATABASES = {"default": dj_database_url.parse(ENVIRONMENT.database)}
    make_folder(ENVIRONMENT.var_dir)
    if ENVIRONMENT.sqlite_file:
        make_folder(ENVIRONMENT.sqlite_file.parent)
except (BadSetting, UnusableFolder) as e:
    sys.exit(f"Kairos cannot start: {e}")  # one clear sentence instead of a traceback
_production = ENVIRONMENT.mode is Mode.PRODUCTION

SECRET_KEY = ENVIRONMENT.secret_key.get_secret_value()
DEBUG = ENVIRONMENT.mode is Mode.DEVELOPMENT and ENVIRONMENT.debug
ALLOWED_HOSTS = ENVIRONMENT.allowed_hosts or ["127.0.0.1", "localhost", "[::1]", ENVIRONMENT.host]
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
WSGI_APPLICATION = "config.wsgi.application"
AUTH_USER_MODEL = "accounts.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LIVE_TRADING = ENVIRONMENT.live_trading
REGISTRATION_OPEN = ENVIRONMENT.registration
VAR_DIR = ENVIRONMENT.var_dir
EPOCH_FILE = ENVIRONMENT.epoch_path
TIME_SCALE = ENVIRONMENT.time_scale
EVALUATION_DAYS = ENVIRONMENT.evaluation_days
SIMULATOR_SEED = ENVIRONMENT.simulator_seed
SIMULATOR_SESSIONS = ENVIRONMENT.simulator_sessions
BROKER_ADAPTERS = {  # who serves an account, by its broker's name
    "virtual": "brokers.virtual.adapter.open_account",
    "kis": "brokers.kis.services.opening.open_account",
}
BROKER_REDUCERS = {  # who calls back what rests on a live account while live trading is off
    "kis": "brokers.kis.services.opening.open_to_reduce",
}
ENCRYPTION_KEYS = ENVIRONMENT.encryption_keys
KIS_URLS = ENVIRONMENT.kis_urls
KIS_LIMITS = {"live": ENVIRONMENT.kis_live_limit, "paper": ENVIRONMENT.kis_paper_limit}

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "channels",
    "csp",
    "django_htmx",
    "django_celery_beat",
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "accounts",
    "markets",
    "brokers",
    "strategies",
    "trading",
    "backtests",
    "config",
]

MIDDLEWARE = [
    "config.api_middleware.RequestNames",
    "django.middleware.security.SecurityMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.api_middleware.ContentPolicy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.PersonalSettingsMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "accounts.middleware.SessionLimits",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "trading.views.stamps.StateStamps",
]

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
                "config.context.site",
            ],
        },
    },
]

if ENVIRONMENT.sqlite_file:
    DATABASES["default"]["NAME"] = str(ENVIRONMENT.sqlite_file)
    # IMMEDIATE stands in for row locks; a deferred transaction fails at its first write when eight writers meet.
    # FULL: a committed claim survives a power cut, or an order could be sent a second time.
    # Recursive triggers: REPLACE deletes rows, and only then do the triggers hear of it that keep facts (decision 0011).
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-16000; "
        "PRAGMA recursive_triggers=ON;",
    }
else:
    DATABASES["default"]["ENGINE"] = "config.backends.postgresql"
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    DATABASES["default"]["OPTIONS"] = {
        **DATABASES["default"].get("OPTIONS", {}),  # sslmode and its like come with the URL
        # Parameters travel beside the text of a statement, and one sent five times is prepared.
        "server_side_binding": True,
        "prepare_threshold": 5,
        "options": "-c statement_timeout=30s -c lock_timeout=5s -c idle_in_transaction_session_timeout=20s",
    }

DATABASES["default"]["CONN_MAX_AGE"] = None  # each process keeps its connection; config/asgi.py has the exception

REDIS_URL = ENVIRONMENT.redis
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": "kairos"},
    }
}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}
# Celery and Redis' own library name the same socket differently.
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1)

AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.BCryptSHA256PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "accounts.validators.ContextWordValidator"},
]
LOGIN_URL = "accounts:sign_in"
LOGIN_REDIRECT_URL = "trading:overview"
LOGOUT_REDIRECT_URL = "accounts:sign_in"
PASSWORD_RESET_TIMEOUT = 20 * 60
globals().update(email_settings(ENVIRONMENT.email_url.get_secret_value()))

LANGUAGE_CODE = "ko"
LANGUAGES = [("ko", _("한국어")), ("en", _("영어"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"  # stored in UTC; pages show the person's own zone (E08)
USER_TIME_ZONE = "Asia/Seoul"
USE_TZ = True
USE_THOUSAND_SEPARATOR = True

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles" if _production else None  # elsewhere whitenoise finds the files where they lie
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if _production
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = not _production
WHITENOISE_ALLOW_ALL_ORIGINS = False  # nobody else draws with our files

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 7 * 24 * 3600
SESSION_COOKIE_NAME = "__Host-sessionid" if _production else "sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken" if _production else "csrftoken"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _production
SECURE_SSL_REDIRECT = _production
SECURE_REDIRECT_EXEMPT = [r"^health(/|$)"]  # probes inside the network speak plain HTTP
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _production else None
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if _production else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _production
CSRF_FAILURE_VIEW = "config.views.csrf_failure"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000  # the builder shows a rule of 200 conditions, up to 18 fields each

JWT_SECRET = ENVIRONMENT.jwt_secret.get_secret_value()
SECRETS = "brokers.services.secrets"  # who seals the seeds of second factors, and reveals them
NOTICE_WORDS = "trading.templatetags.reasons.sentence"  # the words for what the apps above tell people
API_PER_MINUTE, API_PER_MINUTE_ADDRESS = ENVIRONMENT.api_per_minute, 2 * ENVIRONMENT.api_per_minute
REST_FRAMEWORK = {
    "EXCEPTION_HANDLER": "config.api.answer_to",
    "DEFAULT_SCHEMA_CLASS": "config.api_schema.KairosSchema",
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAdminUser"],  # what is not an ApiView is for nobody
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "COMPONENT_SPLIT_PATCH": False,  # a PATCH here names what it needs, and the description says so
    "TITLE": "Kairos",
    "DESCRIPTION": "Trading by rule, through the same services as the pages. See docs/api.md.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "AUTHENTICATION_WHITELIST": ["accounts.api.authentication.BearerAuthentication"],
    "POSTPROCESSING_HOOKS": ["config.api_schema.finish"],
}
CORS_ALLOWED_ORIGINS = ENVIRONMENT.cors_origins
CORS_ALLOW_CREDENTIALS = False  # tokens travel in a header; nobody's cookie comes along
CORS_URLS_REGEX = r"^/(?!admin/|static/).*$"
CORS_ALLOW_HEADERS = [
    "accept",
    "authorization",
    "content-type",
    "idempotency-key",
    "if-match",
    "x-device-token",
    "x-request-id",
]
CORS_EXPOSE_HEADERS = [
    *("ETag", "Location", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "Retry-After", "X-Request-ID"),
]

LOGGING_CONFIG = None
logging_config(level=ENVIRONMENT.log_level, as_json=_production)
