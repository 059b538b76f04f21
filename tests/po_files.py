"""Read a gettext catalogue (.po) without gettext: enough of the format for what `makemessages` writes."""

import ast
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Entry:
    """One message: `texts` maps a keyword (msgctxt, msgid, msgid_plural, msgstr, msgstr[0] …) to its text."""

    flags: set[str] = field(default_factory=set)
    texts: dict[str, str] = field(default_factory=dict)
    is_obsolete: bool = False

    @property
    def key(self) -> tuple[str, str, str]:
        return self.texts.get("msgctxt", ""), self.texts["msgid"], self.texts.get("msgid_plural", "")

    @property
    def translations(self) -> list[str]:
        return [text for keyword, text in self.texts.items() if keyword.startswith("msgstr")]


def read_entries(path: Path) -> list[Entry]:
    """Every message of the file but its header, in its order."""
    entries, keyword = [Entry()], ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.strip():
            entries.append(Entry())
        elif line.startswith("#,"):
            entries[-1].flags |= {flag.strip() for flag in line[2:].split(",")}
        elif line.startswith("#~"):
            entries[-1].is_obsolete = True
        elif line.startswith("#"):
            continue
        else:
            before, quote, text = line.partition('"')  # a keyword, or nothing where the text goes on
            keyword = before.strip() or keyword
            entries[-1].texts[keyword] = entries[-1].texts.get(keyword, "") + ast.literal_eval(quote + text)
    return [entry for entry in entries if entry.is_obsolete or entry.texts.get("msgid")]
