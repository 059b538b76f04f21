"""Strategies to read: the library, a person's own, each version of them, and as files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import Count, Max, Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.text import get_valid_filename
from django.views.decorators.http import require_GET

from strategies.differences import Changed, differences
from strategies.document import RuleDocument
from strategies.indicator_words import indicator_rows
from strategies.kis_yaml import KisAbout, KisYamlInvalid, dump, write_kis_yaml
from strategies.library.shelf import LIBRARY
from strategies.models import Strategy, StrategyVersion
from strategies.parameter_words import parameter_rows
from strategies.sentences import document_sentences
from strategies.services import OWN
from trading.forms import sentence_language
from trading.forms.plan_library import NOT_OFFERED, SAVED
from trading.forms.strategies import written
from trading.forms.watched import preview_form
from trading.models import SwingPlan
from trading.views.access import PersonRequest, signed_in

PER_PAGE = 25
MOST_DIGITS = 6  # of a version's number
OURS = ("swing", "swing_active", "basic", "rsi", "breakout")  # the rest of the library are presets of the KIS programs
FILES = {"full.kis.yaml": "full", "portable.kis.yaml": "portable", "strategy.json": "json"}  # the ends of addresses


@dataclass(frozen=True, slots=True)
class Shown:
    """A strategy as its page shows it: one of the library, or a version of the person's own."""

    title: str
    about: str
    document: RuleDocument
    key: str  # of the library; '' for a version
    version: StrategyVersion | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """What a copy of it begins from, and what a plan's form calls it."""
        return self.key if self.version is None else f"{SAVED}{self.version.pk}"

    @property
    def plan_query(self) -> str:
        """What the plan form is asked to begin with."""
        return "preset=active" if self.source in NOT_OFFERED else f"strategy={self.source}"

    def export_url(self, file: str) -> str:
        if self.version is None:
            return reverse("trading:strategy_library_export", args=[self.key, file])
        return reverse("trading:strategy_export", args=[self.version.strategy_id, self.version.number, file])


@cache
def built(key: str) -> RuleDocument:
    """A document of the library; KeyError for an unknown one."""
    return LIBRARY[key].build()


@require_GET
@signed_in
def strategy_list(request: PersonRequest) -> HttpResponse:
    kept = Strategy.objects.filter(user=request.user, kind=OWN)
    put_away, shows_archived = kept.exclude(archived_at=None), "archived" in request.GET
    own = (
        (put_away if shows_archived else kept.in_use())
        .annotate(newest=Max("versions__number"), changed_at=Max("versions__created_at"))
        .annotate(plans=Count("versions__swing_plans", filter=~Q(versions__swing_plans__mode="off"), distinct=True))
    )
    page = Paginator(own.order_by("-changed_at", "name"), PER_PAGE).get_page(request.GET.get("page"))
    shelf = {key: _of_library(key) for key in LIBRARY}
    context = {
        "page": page,
        "shows_archived": shows_archived,
        "archived": put_away.count(),
        "ours": [shelf[key] for key in OURS],
        "presets": [each for key, each in shelf.items() if key not in OURS],
    }
    return render(request, "trading/strategies.html", context)


@require_GET
@signed_in
def strategy_library(request: PersonRequest, key: str) -> HttpResponse:
    return _page(request, _library(key))


@require_GET
@signed_in
def strategy_detail(request: PersonRequest, strategy_id: UUID, number: int | None = None) -> HttpResponse:
    """One version of the person's own strategy, the newest unless a number is asked for."""
    return _page(request, of_version(own_version(request, strategy_id, number)))


@require_GET
@signed_in
def strategy_library_export(request: PersonRequest, key: str, file: str) -> HttpResponse:
    return attached(request, _library(key), file)


@require_GET
@signed_in
def strategy_export(request: PersonRequest, strategy_id: UUID, number: int, file: str) -> HttpResponse:
    return attached(request, of_version(own_version(request, strategy_id, number)), file)


def own_version(request: PersonRequest, strategy_id: UUID, number: int | None = None) -> StrategyVersion:
    """Nobody else's: 404 for those, and for a number there is not."""
    versions = StrategyVersion.objects.filter(strategy=strategy_id, strategy__user=request.user)
    if number is not None:
        versions = versions.filter(number=number)
    found = versions.select_related("strategy").order_by("-number").first()
    if found is None:
        raise Http404
    return found


def of_version(version: StrategyVersion) -> Shown:
    document = RuleDocument.from_data(version.document)
    built_in = LIBRARY.get(version.strategy.kind)
    about = built_in.description.said_in(sentence_language()) if built_in else document.description
    return Shown(version.strategy.name, about, document, "", version, version.settings)


def from_source(request: PersonRequest, source: str) -> Shown:
    """What a copy begins from. 404 for what is neither in the library nor the person's own."""
    if not source.startswith(SAVED):
        return _library(source)
    try:
        key = UUID(source.removeprefix(SAVED))
    except ValueError:
        raise Http404 from None
    own = StrategyVersion.objects.filter(strategy__user=request.user).select_related("strategy")
    return of_version(get_object_or_404(own, pk=key))


def _library(key: str) -> Shown:
    if key not in LIBRARY:
        raise Http404
    return _of_library(key)


def _of_library(key: str) -> Shown:
    language, built_in = sentence_language(), LIBRARY[key]
    return Shown(built_in.name.said_in(language), built_in.description.said_in(language), built(key), key)


def _page(request: PersonRequest, shown: Shown) -> HttpResponse:
    language = sentence_language()
    other = "en" if language == "ko" else "ko"
    context = {
        "shown": shown,
        "is_own": shown.version is not None and shown.version.strategy.kind == OWN,
        "language": language,
        "rule": document_sentences(shown.document, language),
        "other_language": other,
        "other_rule": document_sentences(shown.document, "en" if language == "ko" else "ko"),
        "parameters": parameter_rows(shown.document, language),
        "indicators": indicator_rows(shown.document, language),
        "preview": preview_form({}),
        "hash": shown.document.version_hash(),
        "json": written(shown.document),
        "remarks": [remark[language] for remark in shown.settings.get("remarks", [])],
        "exports": {flavour: shown.export_url(file) for file, flavour in FILES.items()},
    }
    return render(request, "trading/strategy.html", context | _history(shown.version, request.GET.get("against", "")))


def _history(version: StrategyVersion | None, against: str = "") -> dict[str, Any]:
    """The versions beside this one, newest first, the plans that follow it, and what differs from the one `against` names.

    That is the one before it unless another number was asked for.
    """
    if version is None:
        return {"versions": [], "plans": [], "before": None}
    others = version.strategy.versions.exclude(pk=version.pk).order_by("-number")
    is_number = against.isascii() and against.isdecimal() and len(against) < MOST_DIGITS
    before = (others.filter(number=int(against)) if is_number else others.filter(number__lt=version.number)).first()
    plans = Count("swing_plans", filter=~Q(swing_plans__mode="off"))
    versions = version.strategy.versions.defer("document", "settings").annotate(plans=plans).order_by("-number")
    followers = SwingPlan.objects.filter(strategy_version=version).select_related("instrument").order_by("name")
    shown = {"versions": list(versions[:PER_PAGE]), "plans": list(followers[:PER_PAGE]), "before": before}
    return shown if before is None else shown | {"changes": _changes(before, version)}


def _changes(before: StrategyVersion, after: StrategyVersion) -> list[Changed]:
    old, new = (RuleDocument.from_data(version.document) for version in (before, after))
    return differences(old, new, sentence_language())


def attached(request: PersonRequest, shown: Shown, file: str) -> HttpResponse:
    """The strategy as a file; what the format cannot say is told on a page instead of being put in other words."""
    flavour = FILES.get(file)
    if flavour is None:
        raise Http404
    if flavour == "json":
        return _attachment(written(shown.document) + "\n", shown.title, "json", "application/json")
    try:
        text = _kis_yaml(shown, flavour)
    except KisYamlInvalid as e:
        language = sentence_language()
        problems = [problem.sentence(language) for problem in e.problems]
        context = {"shown": shown, "problems": problems}
        return render(request, "trading/strategy_not_exported.html", context, status=422)
    return _attachment(text, shown.title, "kis.yaml", "application/yaml")


def _kis_yaml(shown: Shown, flavour: str) -> str:
    """The very file it came from, where it came from one; else the document written anew. Raises KisYamlInvalid."""
    kept = shown.settings.get("kis_yaml")
    if kept is not None and flavour == "full":
        return dump(kept)
    named = RuleDocument.from_data(shown.document.as_data() | {"name": shown.title[:100]})
    return write_kis_yaml(named, KisAbout(), "portable" if flavour == "portable" else "full").text


def _attachment(text: str, title: str, ending: str, kind: str) -> HttpResponse:
    response = HttpResponse(text, content_type=f"{kind}; charset=utf-8")
    name = f"{get_valid_filename(title) or 'strategy'}.{ending}"
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    return response
