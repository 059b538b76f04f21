"""The peers' virtual environment: made once under var/, so that nothing of theirs enters our own requirements."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / "var" / "bench-peers"
API_HOME = ROOT / "var" / "bench-api-peers"
API_PACKAGES = ("fastapi==0.*", "sqlalchemy[asyncio]==2.*", "asyncpg==0.*", "uvicorn[standard]==0.*", "orjson==3.*")
PACKAGES = ("vectorbt==1.*", "backtesting==0.6.*", "TA-Lib==0.8.*", "psutil")
MODULES = {"vectorbt": "vectorbt", "backtesting_py": "backtesting"}  # the name in ../shared/bench, and what it imports


def python_of_peers() -> Path | None:
    """The interpreter of the backtests' peers."""
    return _python_of(HOME, PACKAGES)


def api_peers() -> Path | None:
    """The interpreter of the API's peer."""
    return _python_of(API_HOME, API_PACKAGES)


def _python_of(home: Path, packages: tuple[str, ...]) -> Path | None:
    """The interpreter of that environment, made first where it is not there; None, said aloud, where it cannot be."""
    python, made = home / "bin" / "python", home / "made"
    wanted = hashlib.sha256(" ".join(packages).encode()).hexdigest()
    if made.is_file() and made.read_text() == wanted:
        return python
    print("Installing the peers' packages (once)…", file=sys.stderr)
    quiet = ["-q", "--no-input", "--disable-pip-version-check", "--only-binary", ":all:"]
    steps = (
        [sys.executable, "-m", "venv", "--clear", str(home)],
        [str(python), "-m", "pip", "install", *quiet, *packages],
        [str(python), "-m", "compileall", "-q", str(home / "lib")],  # or their start times lie
    )
    for step in steps:
        done = subprocess.run(step, check=False, capture_output=True, text=True)  # noqa: S603
        if done.returncode and "pip" in step:
            print(f"The peers could not be installed: {done.stderr[-500:]}", file=sys.stderr)
            return None
    made.write_text(wanted)
    return python


def installed(python: Path | None) -> list[str]:
    """The peers that can be imported there."""
    return [name for name, module in MODULES.items() if python is not None and _imports(python, module)]


def _imports(python: Path, module: str) -> bool:
    asked = subprocess.run([str(python), "-c", f"import {module}"], check=False, capture_output=True, env=quiet_env())  # noqa: S603
    return asked.returncode == 0


def quiet_env() -> dict[str, str]:
    """The peers warn much and plot more."""
    return os.environ | {"PYTHONWARNINGS": "ignore", "MPLBACKEND": "Agg"}
