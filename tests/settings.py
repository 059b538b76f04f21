"""Settings for tests: their own secrets, folder, database and Redis, whatever `.env` or the shell says."""

import atexit
import os
import secrets
import shutil
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

for _name in (
    "DATABASE_URI",
    "DEBUG",
    "ALLOWED_HOSTS",
    "CORS_ORIGINS",
    "LIVE_TRADING",
    "REGISTRATION_OPEN",
    "LOG_LEVEL",
    "KAIROS_EPOCH_FILE",
):
    os.environ.pop(_name, None)
_worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")  # tests running side by side must not hear one another
_redis = os.environ.get("TEST_REDIS_URL", "")
if _redis:
    _redis = urlsplit(_redis)._replace(path=f"/{1 + int(_worker.removeprefix('gw'))}").geturl()
_var = tempfile.mkdtemp(prefix="kairos-test-")
atexit.register(shutil.rmtree, _var, ignore_errors=True)
os.environ.update(
    KAIROS_ENV_FILE="",
    KAIROS_ENV="test",
    KAIROS_VAR=_var,
    DATABASE_URL=os.environ.get("TEST_DATABASE_URL", ""),  # empty: SQLite; `make test` gives PostgreSQL's here
    REDIS_URL=_redis,  # empty: the embedded one, started by conftest.py
    SECRET_KEY=secrets.token_urlsafe(48),
    JWT_SECRET=secrets.token_urlsafe(48),
    ENCRYPTION_KEY=secrets.token_urlsafe(48),
)

from config.settings import *  # noqa: E402, F403
from config.settings import BROKER_ADAPTERS, BROKER_REDUCERS, CHANNEL_LAYERS, DATABASES  # noqa: E402

CHANNEL_LAYERS["default"]["CONFIG"]["prefix"] = f"kairos-{_worker}"  # type: ignore[index]
BROKER_ADAPTERS |= dict.fromkeys(("plain", "plainid"), "tests.servers.plain.open_account")  # the hostile broker
BROKER_ADAPTERS["fake"] = "tests.fakes.open_venue"  # a broker without a server
BROKER_REDUCERS["fake"] = "tests.fakes.open_venue_to_reduce"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # scrypt costs 50 ms for every person made
DATABASES["default"]["CONN_MAX_AGE"] = 0  # a thread that kept its connection would keep the test database from going
_engine = DATABASES["default"]["ENGINE"].rpartition(".")[2]
DATABASES["default"]["ENGINE"] = f"tests.backends.{_engine}"  # the database as it is, but for emptying it between tests
if _engine == "sqlite3":
    # A file, as in the running program: a database in memory locks by table and knows neither WAL nor IMMEDIATE.
    DATABASES["default"]["TEST"] = {"NAME": str(Path(_var) / "test.sqlite3")}
WHITENOISE_AUTOREFRESH = True  # look for a static file when it is asked for, not for all of them in every test
