"""A rule document as a `.kis.yaml` file. What the format cannot say is refused, never put in other words.

Full: all of it, with `$params`, as this program reads it. Portable: only what both upstream programs read alike, every
parameter at its default.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import yaml

from strategies.catalog import Words
from strategies.document import RuleDocument
from strategies.kis_yaml.importing import read_kis_yaml
from strategies.kis_yaml.problems import KisYamlInvalid, Remark
from strategies.kis_yaml.said import Data, Said, Writer
from strategies.shape import ParamRef

Flavour = Literal["full", "portable"]

_RISK = Words("전략 빌더는 risk 항목을 모두 무시합니다", "the builder ignores the whole risk block")
_LIMITS = {"stop_loss_rate": "stop_loss", "take_profit_rate": "take_profit", "trailing_stop_rate": "trailing_stop"}


@dataclass(frozen=True, slots=True)
class KisAbout:
    """What a file says about itself that a rule document does not. `strategy_id` empty: made from the name."""

    strategy_id: str = ""
    category: str = "custom"
    author: str = "user"
    tags: tuple[str, ...] = ()


NOBODY = KisAbout()


@dataclass(frozen=True, slots=True)
class KisExport:
    """The file's text, and what is worth knowing about it."""

    text: str
    remarks: tuple[Remark, ...]


def write_kis_yaml(document: RuleDocument, about: KisAbout = NOBODY, flavour: Flavour = "full") -> KisExport:
    """The document as a file that `read_kis_yaml` reads as the same rule.

    Raises KisYamlInvalid with everything the format (or, portable, either upstream program) cannot say.
    """
    said = Said(portable=flavour == "portable")
    rule = document.bind() if said.portable else document
    data = {
        "version": "1.0",
        "metadata": {
            "name": rule.name,
            "description": rule.description,
            "author": about.author,
            "tags": list(about.tags),
        },
        "strategy": _strategy(rule, about, said),
        "risk": _risk(rule, said),
    }
    if said.problems:
        raise KisYamlInvalid(said.problems)
    text = dump(data)
    read_kis_yaml(text.encode())  # raises for what a file may not hold, such as more conditions than it may have
    return KisExport(text, tuple(said.remarks))


def dump(data: Mapping[str, Any]) -> str:
    """Plain data as YAML that every version of it reads alike: text in quotes, keys in their order."""
    return yaml.dump(_quoted(data), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)


def _strategy(rule: RuleDocument, about: KisAbout, said: Said) -> Data:
    writer = Writer(rule, said)
    entry, leave = writer.entry(), writer.exit()
    indicators, candles = writer.indicators(), writer.candlesticks()
    params = _parameters(rule, writer.used)
    return {
        "id": about.strategy_id or _identity(rule.name),
        "category": about.category,
        **({"params": params} if params else {}),
        "indicators": indicators,
        **({"candlesticks": candles} if candles else {}),
        "entry": entry,
        "exit": leave,
    }


def _parameters(rule: RuleDocument, used: set[str]) -> Data:
    """Those the file refers to; the others stand there as numbers."""
    return {
        name: {
            "default": spec.default,
            "min": spec.minimum,
            "max": spec.maximum,
            "type": "int" if spec.kind == "int" else "float",
            **({} if spec.step is None else {"step": spec.step}),
            **({"description": spec.description} if spec.description else {}),
        }
        for name, spec in rule.parameters.items()
        if name in used
    }


def _risk(rule: RuleDocument, said: Said) -> Data:
    if rule.risk.time_stop_bars is not None:
        said.refuse("not_in_format", "risk.time_stop_bars", Words("보유 기간 제한", "a time stop"))
    found: Data = {}
    for name, theirs in _LIMITS.items():
        if (rate := _number(rule, name, said)) is not None:
            found[theirs] = {"enabled": True, "percent": round(rate * 100, 10)}
            if found[theirs]["percent"] > 100:
                said.refuse("not_in_format", f"risk.{name}", Words("100%가 넘는 한도", "a limit above 100 %"))
    if (size := _number(rule, "max_position_rate", said)) is not None:
        found["max_position_size"] = size
    if found:
        said.note("differs", "risk", _RISK)
    return found


def _number(rule: RuleDocument, name: str, said: Said) -> float | None:
    quantity: float | ParamRef | None = getattr(rule.risk, name)
    return said.fixed(rule, quantity, f"risk.{name}") if isinstance(quantity, ParamRef) else quantity


def _identity(name: str) -> str:
    return "_".join(name.lower().split()) or "strategy"


class _Quoted(str):
    """Text to be written in quotes: bare, it might be read as something else."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True  # the same value twice is written twice: aliases are refused on the way in


def _in_quotes(dumper: yaml.SafeDumper, text: _Quoted) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style='"')


_Dumper.add_representer(_Quoted, _in_quotes)


def _quoted(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {key: _quoted(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_quoted(value) for value in data]
    return _Quoted(data) if isinstance(data, str) else data
