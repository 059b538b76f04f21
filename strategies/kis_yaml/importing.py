"""A `.kis.yaml` file as a rule document. Source: the format's reference, and the rules set for us in it.

Nothing is guessed: what the file leaves out, or says in a way that programs read differently, is refused with its line.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from strategies.candles import PATTERNS
from strategies.catalog import Words
from strategies.document import RuleDocument
from strategies.errors import DocumentInvalid
from strategies.kis_yaml import blocks
from strategies.kis_yaml.cursor import Cursor, Findings, Members, suggestion
from strategies.kis_yaml.places import LIMITS, ReadFile, line_of
from strategies.kis_yaml.problems import KisYamlInvalid, Remark
from strategies.kis_yaml.rules import REFERENCE, Data, Names, group_of
from strategies.kis_yaml.text import Branch, Leaf, plain, read_tree
from strategies.kis_yaml.vocabulary import INDICATORS, PRICES, KisIndicator

_ALIAS = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}")
_NEXT_OPEN = Words(
    "마감된 봉에서 판단해 다음 봉 시가에 체결합니다. 원본 백테스터는 같은 봉 종가에 체결합니다",
    "decided on the closed bar and filled at the next open; the backtester fills at the same close",
)
_RISK = Words("전략 빌더는 risk 항목을 모두 무시합니다", "the builder ignores the whole risk block")
_PARAMS = Words("전략 빌더에는 매개변수($)가 없습니다", "the builder has no $parameters")


@dataclass(frozen=True, slots=True)
class KisImport:
    """What a file says. `data` is its whole content in its order, for an export that loses nothing (`dump`).

    `remarks` are what is worth knowing: where upstream programs would behave differently, and what has no effect.
    `sha256` is the upload's, to keep beside it.
    """

    document: RuleDocument
    data: Mapping[str, Any]
    remarks: tuple[Remark, ...]
    sha256: str


def read_kis_yaml(content: bytes, *, sell_by_risk_only: bool = False) -> KisImport:
    """The strategy in `content`. Raises KisYamlInvalid with every problem found, each with its line.

    `sell_by_risk_only`: the person's own word that a file without an exit is to sell by its stops alone.
    """
    tree = read_tree(content)
    findings = Findings()
    root = Cursor(tree, "", findings)
    data = _File(root, sell_by_risk_only).document_data()
    if findings.problems or data is None:
        raise KisYamlInvalid(findings.problems)
    try:
        document = RuleDocument.from_data(data.document)
    except DocumentInvalid as e:
        places = [(each, data.place(each.path)) for each in e.problems]
        raise KisYamlInvalid([Remark.of(each, path, line_of(tree, path)) for each, path in places]) from e
    return KisImport(document, plain(tree), tuple(findings.remarks), hashlib.sha256(content).hexdigest())


class _File:
    """One file being read; what is wrong gathers in the findings."""

    def __init__(self, root: Cursor, sell_by_risk_only: bool) -> None:
        self._root = root
        self._sell_by_risk_only = sell_by_risk_only
        self._indicators: dict[str, int] = {}
        self._kinds: dict[str, tuple[KisIndicator, str | None]] = {}
        self._patterns: dict[str, str] = {}
        self._used: set[str] = set()
        self._spoilt: set[str] = set()

    def document_data(self) -> ReadFile | None:
        root = self._root.members("version", "metadata", "strategy", "risk")
        blocks.check_version(root)
        about = self._metadata(root)
        strategy = root.need("strategy")
        if strategy is None:
            return None
        members = strategy.members("id", "category", "params", "indicators", "candlesticks", "entry", "exit")
        if (identity := members.need("id")) is not None:
            blocks.filled_text(identity, 100)
        members.text("category")
        parameters = self._parameters(members.get("params"))
        indicators = self._all_indicators(members, frozenset(parameters))
        self._all_candlesticks(members)
        names = Names(self._kinds, self._patterns, frozenset(parameters), self._used, frozenset(self._spoilt))
        entry, leave = self._entry(members, names), self._exit(members, names)
        risk = self._risk(root.get("risk"))
        self._root.note("differs", what=_NEXT_OPEN.ko, what_en=_NEXT_OPEN.en)
        self._note_unused(members.get("params"), parameters)
        document = {
            "schema_version": 1,
            **about,
            "indicators": indicators,
            "parameters": parameters,
            "entries": [{"name": "first", "when": entry}],
            "exit": leave,
            "risk": risk,
        }
        return ReadFile(document, self._indicators, {alias: kind for alias, (kind, _) in self._kinds.items()})

    def _metadata(self, root: Members) -> Data:
        place = root.need("metadata")
        if place is None:
            return {}
        members = place.members("name", "description", "author", "tags", "created_at", "updated_at")
        name = members.need("name")
        for key in ("author", "created_at", "updated_at"):
            members.text(key)
        for tag in [] if (tags := members.get("tags")) is None else tags.items(32):
            tag.text(100)
        said = members.text("description", 2000)
        return {"name": None if name is None else blocks.filled_text(name, 100)} | (
            {"description": said} if said else {}
        )

    def _parameters(self, place: Cursor | None) -> Data:
        if place is None:
            return {}
        found = {}
        for name, spec in place.named(64).items():
            if not _ALIAS.fullmatch(name):
                spec.refuse("bad_alias", name=name)
            elif (read := blocks.parameter(spec)) is not None:
                found[name] = read
            else:
                self._spoilt.add(name)
        if found:
            place.note("differs", what=_PARAMS.ko, what_en=_PARAMS.en)
        return found

    def _all_indicators(self, members: Members, parameters: frozenset[str]) -> Data:
        place = members.get("indicators")
        entries = [] if place is None else place.items(32)
        read = [each.members("id", "alias", "name", "params", "output") for each in entries]
        aliases = blocks.aliases(read, by_id_in_builder=True)
        found = {}
        for number, (entry, alias) in enumerate(zip(read, aliases, strict=True)):
            entry.text("name")
            data = self._indicator(entry, alias, parameters)
            if alias is not None and self._claims(entry, alias) and data is not None:
                self._indicators[alias] = number
                found[alias] = data
            elif alias is not None and alias not in self._kinds:
                self._spoilt.add(alias)
        return found

    def _indicator(self, entry: Members, alias: str | None, parameters: frozenset[str]) -> Data | None:
        place = entry.need("id")
        identity = None if place is None else place.text(40)
        if place is None or identity is None:
            return None
        if identity not in INDICATORS:
            blocks.refuse_indicator(place, identity)
            return None
        kind = INDICATORS[identity]
        direction = None
        given = {} if (block := entry.get("params")) is None else block.named(32)
        if identity == "consecutive":
            direction = blocks.direction(entry, given.pop("direction", None))
        if kind.differs is not None:
            entry.holder.note("differs", what=kind.differs.ko, what_en=kind.differs.en)
        if (shown := entry.get("output")) is not None:
            blocks.check_shown_output(shown, kind)
        if alias is not None and alias not in self._kinds:
            self._kinds[alias] = (kind, direction)
        params = self._numbers(entry, kind, given, parameters)
        return None if params is None else {"kind": kind.kind, **({"params": params} if params else {})}

    def _numbers(
        self, entry: Members, kind: KisIndicator, given: Mapping[str, Cursor], parameters: frozenset[str]
    ) -> Data | None:
        numbers: Data = dict(kind.fixed)
        for name, place in given.items():
            if name not in kind.params:
                place.refuse("unknown_param", name=name)
            elif (number := self._quantity(place, parameters)) is not None:
                numbers[kind.params[name][0]] = number
        for name, (_, default) in kind.params.items():
            if name not in given:
                entry.holder.refuse("missing_param", name=name, default=default)
        return numbers if len(numbers) == len(kind.params) + len(kind.fixed) else None

    def _quantity(self, place: Cursor, parameters: frozenset[str]) -> Any:
        value = place.tree.value if isinstance(place.tree, Leaf) else None
        if not isinstance(value, str) or (reference := REFERENCE.fullmatch(value)) is None:
            return place.number()
        if reference[1] in self._spoilt:
            return None
        if reference[1] not in parameters:
            place.refuse("undefined_reference", name=reference[1])
            return None
        self._used.add(reference[1])
        return {"param": reference[1]}

    def _all_candlesticks(self, members: Members) -> None:
        place = members.get("candlesticks")
        entries = [] if place is None else place.items(16)
        read = [each.members("id", "alias") for each in entries]
        for entry, alias in zip(read, blocks.aliases(read, by_id_in_builder=False), strict=True):
            found = entry.need("id")
            identity = None if found is None else found.text(40)
            if found is not None and identity is not None and identity not in PATTERNS:
                found.refuse("unknown_pattern", name=identity, **suggestion(identity, list(PATTERNS)))
                self._spoilt.add(alias or identity)
            elif identity is not None and alias is not None and self._claims(entry, alias):
                self._patterns[alias] = identity

    def _claims(self, entry: Members, alias: str) -> bool:
        """Whether the alias is a good one and nobody else's."""
        place = entry.get("alias") or entry.holder
        if not _ALIAS.fullmatch(alias) or alias in PRICES:
            place.refuse("bad_alias", name=alias)
        elif alias in self._indicators or alias in self._patterns:
            place.refuse("duplicate_alias", name=alias)
        else:
            return True
        return False

    def _entry(self, members: Members, names: Names) -> Data | None:
        place = members.get("entry")
        if place is None:
            members.holder.refuse("no_rule")
            return None
        return group_of(place, names)

    def _exit(self, members: Members, names: Names) -> Data | None:
        place = members.get("exit")
        if place is not None:
            return group_of(place, names)
        if self._sell_by_risk_only:
            return {"risk_only": True}
        members.holder.refuse("no_rule")
        return None

    def _risk(self, place: Cursor | None) -> Data:
        if place is None or place.is_null():
            return {}
        members = place.members(*LIMITS, "max_position_size")
        found = {LIMITS[name]: blocks.rate(members.found[name]) for name in LIMITS if name in members}
        if (size := members.get("max_position_size")) is not None:
            found["max_position_rate"] = blocks.share(size)
        risk = {name: rate for name, rate in found.items() if rate is not None}
        if risk:
            place.note("differs", what=_RISK.ko, what_en=_RISK.en)
        return risk

    def _note_unused(self, place: Cursor | None, parameters: Data) -> None:
        if place is not None and isinstance(place.tree, Branch):
            for name in parameters.keys() - self._used:
                Cursor(place.tree.members[name], f"{place.path}.{name}", place.findings).note(
                    "unused_parameter", name=name
                )
