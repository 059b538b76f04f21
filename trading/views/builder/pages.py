"""The builder's page: every button gives it back changed, saving makes a version, nothing typed is ever lost."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_http_methods, require_POST

from strategies.conditions import RiskOnly
from strategies.document import RuleDocument
from strategies.drafts import BLANK, Composed, Tree, changed, composed, draft_of, settled
from strategies.drafts.tree import part_of, words_of
from strategies.errors import DocumentInvalid
from strategies.models import Strategy, StrategyVersion
from strategies.sentences import document_sentences
from strategies.services import LONGEST_NAME, OWN, StrategyRefused, save_document
from strategies.uploads import read_json
from trading.errors import NotAllowed
from trading.forms import sentence_language
from trading.forms.strategies import written
from trading.forms.watched import WatchedForm, preview_form
from trading.services.planning import rehearsal
from trading.templatetags.reasons import sentence
from trading.views.access import PersonRequest, refused, signed_in
from trading.views.builder.fields import draft_sent, field_id, told
from trading.views.builder.shown import shown
from trading.views.builder.words import place_words
from trading.views.plan_preview import firing_shown
from trading.views.strategies import Shown, attached, from_source, of_version, own_version

Save = Callable[[RuleDocument], StrategyVersion]
PAGE, FORM = "trading/builder/page.html", "trading/builder/_form.html"


@dataclass(frozen=True, slots=True)
class Bench:
    """What is being built, where its form is sent to, and what saving it means. `kept_name`: of a strategy that is there."""

    url: str
    save: Save
    origin: Shown | None
    strategy: Strategy | None = None

    @property
    def kept_name(self) -> str:
        return self.strategy.name if self.strategy else ""


@gzip_page  # every list of the form repeats its choices; a token drawn anew for each page gives nothing away
@require_http_methods(["GET", "POST"])
@signed_in
def strategy_build(request: PersonRequest) -> HttpResponse:
    """A strategy of one's own from nothing, or from another that `from` names."""
    if not request.user.may_trade:
        return refused(request, NotAllowed())
    asked = (request.POST if request.method == "POST" else request.GET).get("from", "")
    origin = from_source(request, asked) if asked else None

    def save(document: RuleDocument) -> StrategyVersion:
        return save_document(request.user, document, begins_new=True)

    begins = BLANK if origin is None else draft_of(origin.document) | {"name": _copied_name(origin)}
    return _answer(request, Bench(reverse("trading:strategy_build"), save, origin), begins)


@gzip_page
@require_http_methods(["GET", "POST"])
@signed_in
def strategy_rebuild(request: PersonRequest, strategy_id: UUID) -> HttpResponse:
    """Another version of the person's own strategy; those there are stay as they are."""
    if not request.user.may_trade:
        return refused(request, NotAllowed())
    version = own_version(request, strategy_id)
    if version.strategy.kind != OWN:
        return redirect("trading:strategy", strategy_id=strategy_id)
    origin = of_version(version)

    def save(document: RuleDocument) -> StrategyVersion:
        return save_document(request.user, document)

    bench = Bench(reverse("trading:strategy_rebuild", args=[strategy_id]), save, origin, version.strategy)
    return _answer(request, bench, draft_of(origin.document) | {"name": version.strategy.name})


@require_POST
@signed_in
def strategy_build_preview(request: PersonRequest) -> HttpResponse:
    """What the form says now: the rule in sentences, what is wrong with it, how often it held."""
    draft = draft_sent(request)
    return render(request, "trading/builder/_side.html", _side(composed(draft), WatchedForm(part_of(draft, "preview"))))


def _answer(request: PersonRequest, bench: Bench, begins: Tree) -> HttpResponse:
    if request.method == "GET":
        begun = settled(deepcopy(begins))
        found = composed(begun)
        return _page(request, bench, begun, Composed(found.document, {}))
    draft = draft_sent(request)
    if bench.kept_name:
        draft["name"] = bench.kept_name
    verb, _colon, path = request.POST.get("do", "save").partition(":")
    if verb == "save":
        return _saved(request, bench, draft)
    if verb == "export":
        return _exported(request, bench, draft)
    if verb == "paste":
        return _pasted(request, bench, draft)
    after, focus = changed(draft, verb, path)
    return _page(request, bench, after, composed(after), focus=focus)


def _saved(request: PersonRequest, bench: Bench, draft: Tree) -> HttpResponse:
    found = composed(draft)
    if found.document is None:
        return _page(request, bench, draft, found, status=422)
    try:
        version = bench.save(found.document)
    except StrategyRefused as e:
        return _page(request, bench, draft, found, refusal=sentence(e.code, e.facts), status=422)
    said = _("%(name)s %(number)s판으로 저장했습니다.")
    messages.success(request, said % {"name": version.strategy.name, "number": version.number})
    return redirect("trading:strategy_version", strategy_id=version.strategy_id, number=version.number)


def _exported(request: PersonRequest, bench: Bench, draft: Tree) -> HttpResponse:
    """The draft as a file, without keeping it here."""
    found = composed(draft)
    if found.document is None:
        return _page(request, bench, draft, found, status=422)
    return attached(request, Shown(found.document.name, "", found.document, ""), "full.kis.yaml")


def _pasted(request: PersonRequest, bench: Bench, draft: Tree) -> HttpResponse:
    """The document pasted in place of everything in the form; one that is none changes nothing."""
    text = words_of(draft, "json")
    try:
        document = read_json(text.encode())
    except DocumentInvalid as e:
        language = sentence_language()
        errors = [problem.sentence(language) for problem in e.problems]
        return _page(request, bench, draft, composed(draft), pasted=text, paste_errors=errors, status=422)
    after = draft_of(document) | {"name": bench.kept_name or document.name, "preview": part_of(draft, "preview")}
    return _page(request, bench, settled(after), composed(after))


def _page(
    request: PersonRequest,
    bench: Bench,
    draft: Tree,
    found: Composed,
    *,
    focus: str = "",
    refusal: str = "",
    pasted: str = "",
    paste_errors: list[str] | None = None,
    status: int = 200,
) -> HttpResponse:
    """The whole page, or the form alone for htmx."""
    preview = preview_form(part_of(draft, "preview"))
    context = {
        "form": shown(draft, found.problems, sentence_language(), focus),
        "bench": bench,
        "refusal": refusal,
        "preview": preview,
        "json": pasted or (written(found.document) if found.document else ""),
        "paste_errors": paste_errors or [],
        "next_id": field_id(focus) if focus else "",
        **_side(found, preview),
    }
    is_fragment = bool(request.htmx) and not request.htmx.boosted
    return render(request, FORM if is_fragment else PAGE, context, status=200 if is_fragment else status)


def _side(found: Composed, watched: WatchedForm) -> dict[str, Any]:
    """What `_side.html` shows."""
    language = sentence_language()
    problems = [
        {"id": field_id(name) if name else "", "place": place_words(name), "text": text}
        for name, texts in told(found.problems, language).items()
        for text in texts
    ]
    said: dict[str, Any] = {"problems": problems, "rule": [], "firing": None}
    if found.document is None:
        return said
    document = found.document
    said |= {
        "rule": document_sentences(document, language),
        "sells_by_limits": isinstance(document.exit, RiskOnly),
        "waits_at_a_price": any(entry.stop is not None for entry in document.entries),
    }
    instrument, interval = watched.watched()
    if instrument is None or interval is None:
        return said
    firing = rehearsal.firing_of(document, instrument, interval)
    count = None if firing is None else firing_shown(firing)
    return said | {"firing": count, "counts_nothing": count is None, "firing_instrument": instrument}


def _copied_name(origin: Shown) -> str:
    ending = f" {_('복사')}"
    return origin.title[: LONGEST_NAME - len(ending)] + ending
