"""The generated part of the Python client: what it is, and what it would be by the API of this moment. Run, writes it."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

CLIENT = Path(__file__).resolve().parents[2] / "clients" / "python"
FILE = CLIENT / "kairos_client" / "api.py"


def wanted() -> str:
    """The file's text by the present API."""
    from config.api_pages import schema_text

    text: str = _generator().client_of(json.loads(schema_text()))
    return text


def _generator() -> ModuleType:
    found = importlib.util.spec_from_file_location("generate_client", CLIENT / "generate.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


if __name__ == "__main__":
    import django

    django.setup()
    FILE.write_text(wanted(), encoding="utf-8")
    sys.stdout.write(f"wrote {FILE}\n")
