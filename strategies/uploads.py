"""A strategy as it came from outside, by upload or paste: our own JSON, or a `.kis.yaml` file. Pure; nothing in it is run."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from strategies.document import RuleDocument
from strategies.errors import DocumentInvalid, not_json, problem
from strategies.kis_yaml import Remark, read_kis_yaml
from strategies.shape import MAX_BYTES

__all__ = ["MAX_BYTES", "Upload", "read_json", "read_upload"]

BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # what some editors put before a text; it says nothing


@dataclass(frozen=True, slots=True)
class Upload:
    """What was read. `kis_yaml` is the whole content of such a file, for an export that loses nothing; None of our JSON."""

    document: RuleDocument
    remarks: tuple[Remark, ...]
    sha256: str
    kis_yaml: Mapping[str, Any] | None = None


def read_upload(content: bytes, *, sell_by_risk_only: bool = False) -> Upload:
    """The strategy in `content`. Raises DocumentInvalid (JSON) or KisYamlInvalid, each with every problem found.

    A text that begins with a brace is JSON. `sell_by_risk_only`: the person's word that a `.kis.yaml` file without an
    exit is to sell by its stops alone.
    """
    content = content.removeprefix(BYTE_ORDER_MARK)
    if content.lstrip().startswith(b"{"):
        return Upload(read_json(content), (), hashlib.sha256(content).hexdigest())
    found = read_kis_yaml(content, sell_by_risk_only=sell_by_risk_only)
    return Upload(found.document, found.remarks, found.sha256, found.data)


def read_json(content: bytes) -> RuleDocument:
    """The document written in `content`, in UTF-8. Raises DocumentInvalid; a key said twice is refused, not guessed."""
    if len(content) > MAX_BYTES:
        raise DocumentInvalid([problem("too_large", "", limit=MAX_BYTES)])
    try:
        data = json.loads(content.decode(), object_pairs_hook=_each_key_once)
    except (ValueError, RecursionError) as e:
        raise DocumentInvalid([not_json(e)]) from e
    return RuleDocument.from_data(data)


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise DocumentInvalid([problem("duplicate_name", key, name=key)])
        found[key] = value
    return found
