"""Strategies as people bring and change them: a file or a text, new numbers, or the whole document as JSON."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, cast

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from strategies.document import RuleDocument
from strategies.errors import DocumentInvalid, Problem
from strategies.kis_yaml import KisYamlInvalid, Remark
from strategies.parameter_words import with_labels
from strategies.services import LONGEST_NAME
from strategies.uploads import MAX_BYTES, Upload, read_json, read_upload
from trading.forms.plan_library import as_number, parameter_field
from trading.forms.plan_terms import sentence_language
from trading.plan_rules import with_values

CODE = forms.Textarea(attrs={"rows": 24, "spellcheck": "false", "autocomplete": "off", "class": "code-field"})


class StrategyImportForm(forms.Form):
    """A strategy from a file or pasted: exactly one of them. What cannot be said is told with its line or its path."""

    file = forms.FileField(
        label=_("파일"),
        required=False,
        allow_empty_file=True,
        help_text=_("한국투자증권 전략 파일(.kis.yaml)이나 여기서 내보낸 JSON, 128 KB까지"),
        widget=forms.ClearableFileInput(attrs={"accept": ".yaml,.yml,.json"}),
    )
    text = forms.CharField(label=_("또는 내용 붙여 넣기"), required=False, strip=False, widget=CODE)
    sell_by_risk_only = forms.BooleanField(label=_("매도 조건이 없는 파일이면 손절·익절로만 팝니다"), required=False)

    upload: Upload | None = None  # set by a clean that found nothing wrong

    def clean(self) -> dict[str, Any]:
        asked = super().clean() or self.cleaned_data
        content = self._content(asked)
        if content is not None:
            self._keep(content)
            try:
                self.upload = read_upload(content, sell_by_risk_only=asked.get("sell_by_risk_only", False))
            except (DocumentInvalid, KisYamlInvalid) as e:
                self.add_error(None, _sentences(e.problems))
        return asked

    def _content(self, asked: Mapping[str, Any]) -> bytes | None:
        """What was sent, never more than MAX_BYTES of it."""
        file, text = asked.get("file"), asked.get("text") or ""
        if file is not None and text.strip():
            self.add_error(None, _("파일과 붙여 넣은 내용 가운데 하나만 보내 주세요."))
            return None
        if file is None and not text.strip():
            self.add_error(None, _("파일을 고르거나 내용을 붙여 넣어 주세요."))
            return None
        content = text.encode() if file is None else file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            self.add_error("text" if file is None else "file", _("파일이 너무 큽니다. 128 KB까지 받습니다."))
            return None
        return bytes(content)

    def _keep(self, content: bytes) -> None:
        """The content of a file stands in the text field, so that a mistake in it can be mended there."""
        data = cast("QueryDict", self.data).copy()
        data["text"] = content.decode(errors="replace").removeprefix("\ufeff")
        self.data = data


class StrategyNumbersForm(forms.Form):
    """Other defaults for a document's parameters, and for a new strategy a name; ranges and steps stay."""

    def __init__(self, document: RuleDocument, *args: Any, is_new: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._document = document
        self.document: RuleDocument | None = None  # set by a clean that found nothing wrong
        if is_new:
            self.fields["name"] = forms.CharField(label=_("이름"), max_length=LONGEST_NAME)
        for name, spec in document.parameters.items():
            self.fields[f"rule_{name}"] = parameter_field(name, spec)

    @property
    def rule_fields(self) -> list[forms.BoundField]:
        return [self[f"rule_{name}"] for name in self._document.parameters]

    def clean(self) -> dict[str, Any]:
        asked = super().clean() or self.cleaned_data
        values = {name: asked.get(f"rule_{name}") for name in self._document.parameters}
        name = asked.get("name", None if "name" in self.fields else self._document.name)
        if name is not None and None not in values.values():
            try:
                changed = with_values(self._document, {key: as_number(value) for key, value in values.items()})
                self.document = RuleDocument.from_data(changed.as_data() | {"name": name})
            except DocumentInvalid as e:
                self._say(e)
        return asked

    def _say(self, invalid: DocumentInvalid) -> None:
        language = sentence_language()
        for problem in invalid.problems:
            field = f"rule_{problem.path.removeprefix('parameters.')}"
            said = problem.message_ko if language == "ko" else problem.message_en
            self.add_error(field if field in self.fields else None, with_labels(said, self._document, language))


class StrategyDocumentForm(forms.Form):
    """The whole document as JSON. Each problem is told with its path; what was typed stays."""

    text = forms.CharField(label=_("규칙 문서 (JSON)"), strip=False, max_length=MAX_BYTES, widget=CODE)

    document: RuleDocument | None = None  # set by a clean that found nothing wrong

    def __init__(self, *args: Any, kept_name: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._kept_name = kept_name

    def clean_text(self) -> str:
        text: str = self.cleaned_data["text"]
        try:
            document = read_json(text.encode())
        except DocumentInvalid as e:
            raise forms.ValidationError(_sentences(e.problems)) from e
        if self._kept_name and document.name != self._kept_name:
            message = _("name: 이 전략의 이름은 %(name)s입니다. 다른 이름으로 만들려면 복사해서 고치세요.")
            raise forms.ValidationError(message, params={"name": self._kept_name})
        self.document = document
        return text


def written(document: RuleDocument) -> str:
    """The document as people read and edit it."""
    return json.dumps(document.as_data(), ensure_ascii=False, indent=2)


def _sentences(problems: Iterable[Problem | Remark]) -> list[forms.ValidationError]:
    """Each once, where a file leaves out twice what is told the same way."""
    said = {each.sentence(sentence_language()): each.code for each in problems}
    return [forms.ValidationError(sentence, code=code) for sentence, code in said.items()]
