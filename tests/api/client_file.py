"""What is generated from the API: the Python client's operations and docs/asyncapi.json. Run, writes both anew."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

CLIENT = Path(__file__).resolve().parents[2] / "clients" / "python"
STREAMS = CLIENT.parents[1] / "docs" / "asyncapi.json"
FILE = CLIENT / "kairos_client" / "api.py"


def wanted() -> str:
    """The file's text by the present API."""
    from config.api_pages import schema_text

    text: str = _generator().client_of(json.loads(schema_text()))
    return text


def wanted_streams() -> str:
    """The description of the sockets, as docs/asyncapi.json keeps it."""
    from config.api_streams import document

    return json.dumps(document(), ensure_ascii=False, indent=1) + "\n"


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
    STREAMS.write_text(wanted_streams(), encoding="utf-8")
    sys.stdout.write(f"wrote {FILE} and {STREAMS}\n")
