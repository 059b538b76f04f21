"""Bringing a strategy and changing one: by file or paste, by new numbers, or by its whole document."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from strategies.document import RuleDocument
from strategies.errors import DocumentInvalid
from strategies.kis_yaml import Remark
from strategies.models import StrategyVersion
from strategies.sentences import document_sentences
from strategies.services import LONGEST_NAME, OWN, StrategyRefused, save_document
from strategies.uploads import Upload
from trading.errors import NotAllowed
from trading.forms import sentence_language
from trading.forms.strategies import StrategyDocumentForm, StrategyImportForm, StrategyNumbersForm, written
from trading.templatetags.reasons import sentence
from trading.views.access import PersonRequest, refused, signed_in
from trading.views.strategies import Shown, from_source, of_version, own_version

Save = Callable[[RuleDocument], StrategyVersion]


@require_http_methods(["GET", "POST"])
@signed_in
def strategy_import(request: PersonRequest) -> HttpResponse:
    """A file or a text becomes a version of the person's own; what is refused is told, and nothing is kept of it."""
    if not request.user.may_trade:
        return refused(request, NotAllowed())
    if request.method == "GET":
        return render(request, "trading/strategy_import.html", {"form": StrategyImportForm()})
    form = StrategyImportForm(request.POST, request.FILES)
    if form.is_valid() and form.upload is not None:
        try:
            version = save_document(request.user, form.upload.document, settings=_origin(form.upload))
        except StrategyRefused as e:
            form.add_error(None, sentence(e.code, e.facts))
        else:
            return _saved(request, version)
    return render(request, "trading/strategy_import.html", {"form": form}, status=422)


def _origin(upload: Upload) -> dict[str, Any]:
    """Where a version came from, kept beside it: the file's content, so that it can be written out as it was."""
    if upload.kis_yaml is None:
        return {"sha256": upload.sha256}
    remarks = [_in_both(remark) for remark in upload.remarks]
    return {"sha256": upload.sha256, "kis_yaml": upload.kis_yaml, "remarks": remarks}


def _in_both(remark: Remark) -> dict[str, str]:
    return {"ko": remark.sentence("ko"), "en": remark.sentence("en")}


@require_http_methods(["GET", "POST"])
@signed_in
def strategy_new(request: PersonRequest) -> HttpResponse:
    """A strategy of one's own that begins as a copy of another."""
    if not request.user.may_trade:
        return refused(request, NotAllowed())
    origin = from_source(request, (request.POST if request.method == "POST" else request.GET).get("from", ""))
    copy = _renamed(origin)

    def save(document: RuleDocument) -> StrategyVersion:
        return save_document(request.user, document, begins_new=True)

    return _edit(request, origin, copy, save, is_new=True)


@require_http_methods(["GET", "POST"])
@signed_in
def strategy_edit(request: PersonRequest, strategy_id: UUID) -> HttpResponse:
    """Another version of the person's own strategy; those there are stay as they are."""
    if not request.user.may_trade:
        return refused(request, NotAllowed())
    version = own_version(request, strategy_id)
    if version.strategy.kind != OWN:
        return redirect("trading:strategy", strategy_id=strategy_id)
    origin = of_version(version)

    def save(document: RuleDocument) -> StrategyVersion:
        return save_document(request.user, document)

    return _edit(request, origin, _named(origin.document, origin.title), save, is_new=False)


@require_POST
@signed_in
def strategy_preview(request: PersonRequest) -> HttpResponse:
    """The rule of a form that is being filled in, in sentences, or what is wrong with it so far."""
    origin = from_source(request, request.POST.get("from", ""))
    forms = _forms(request, origin.document, is_new=False, kept_name="")
    form = forms["document_form"] if "text" in request.POST else forms["numbers_form"]
    form.is_valid()
    problems = [error for errors in form.errors.values() for error in errors]
    return render(request, "trading/_strategy_preview.html", _told(form.document) | {"problems": problems})


def _edit(request: PersonRequest, origin: Shown, begins: RuleDocument, save: Save, *, is_new: bool) -> HttpResponse:
    forms = _forms(request, begins, is_new=is_new, kept_name="" if is_new else origin.title)
    context = {"shown": origin, "is_new": is_new, **forms}
    if request.method == "GET":
        return render(request, "trading/strategy_edit.html", context | _told(begins))
    form = forms["document_form"] if "text" in request.POST else forms["numbers_form"]
    if form.is_valid() and form.document is not None:
        try:
            return _saved(request, save(form.document))
        except StrategyRefused as e:
            form.add_error(None, sentence(e.code, e.facts))
    return render(request, "trading/strategy_edit.html", context | _told(form.document), status=422)


def _forms(request: PersonRequest, begins: RuleDocument, *, is_new: bool, kept_name: str) -> dict[str, Any]:
    """Both ways to change a document; the one that was sent holds what was typed."""
    sent = request.POST if request.method == "POST" else None
    by_text = sent is not None and "text" in sent
    return {
        "numbers_form": StrategyNumbersForm(
            begins, None if by_text else sent, is_new=is_new, initial={"name": begins.name}
        ),
        "document_form": StrategyDocumentForm(
            sent if by_text else None, kept_name=kept_name, initial={"text": written(begins)}
        ),
        "by_text": by_text,
    }


def _told(document: RuleDocument | None) -> dict[str, Any]:
    if document is None:
        return {"rule": []}
    return {"rule": document_sentences(document, sentence_language())}


def _renamed(origin: Shown) -> RuleDocument:
    """The document under a name of its own, which the person may change."""
    ending = f" {_('복사')}"
    return _named(origin.document, origin.title[: LONGEST_NAME - len(ending)] + ending)


def _named(document: RuleDocument, name: str) -> RuleDocument:
    try:
        return RuleDocument.from_data(document.as_data() | {"name": name})
    except DocumentInvalid:  # as large as a document may be: the longer name does not fit
        return document


def _saved(request: PersonRequest, version: StrategyVersion) -> HttpResponse:
    said = _("%(name)s %(number)s판으로 저장했습니다.")
    messages.success(request, said % {"name": version.strategy.name, "number": version.number})
    return redirect("trading:strategy_version", strategy_id=version.strategy_id, number=version.number)
