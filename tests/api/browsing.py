"""A browser without scripts: cookies, pages, and the forms on them, for checks of the running server from outside."""

import http.client
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from typing import Any
from urllib.parse import urljoin, urlsplit

BOUNDARY = "kairos-form-boundary"
PLAIN, PARTS = "application/x-www-form-urlencoded", f"multipart/form-data; boundary={BOUNDARY}"
Pairs = Sequence[tuple[str, str | bytes]]


@dataclass
class Field:
    """One field as the page has it: what is in it, what may be chosen, and whether the page calls it wrong."""

    name: str
    kind: str  # an input's type, or select, or textarea
    value: str = ""
    options: list[str] = field(default_factory=list)
    is_wrong: bool = False


@dataclass
class Form:
    """A form that is posted. `action` is a path of ours."""

    action: str
    has_files: bool = False
    fields: list[Field] = field(default_factory=list)


@dataclass(frozen=True)
class Answer:
    """What came back; redirects are not followed."""

    status: int
    url: str
    location: str
    text: str

    @property
    def forms(self) -> list[Form]:
        return forms_of(self.text, self.url)


class Browser:
    """Signed in or not; one person at a time."""

    def __init__(self, url: str) -> None:
        self.url, self._cookies = url, CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._cookies), _StayHere())

    def get(self, path: str) -> Answer:
        return self._send(urllib.request.Request(self.url + path))

    def post(self, path: str, pairs: Pairs, *, in_parts: bool = False) -> Answer:
        """A form as a browser sends it, with the token it was given."""
        if not self._token:
            self.get("/sign-in/")
        sent: list[tuple[str, str | bytes]] = [("csrfmiddlewaretoken", self._token), *pairs]
        body = _parts(sent) if in_parts else urllib.parse.urlencode(sent).encode()
        headers = {"Content-Type": PARTS if in_parts else PLAIN, "Referer": self.url + path}
        return self._send(urllib.request.Request(self.url + path, body, headers, method="POST"))

    def sign_in(self, email: str, password: str) -> None:
        """Raises RuntimeError where that does not work."""
        self._cookies.clear()
        answer = self.post("/sign-in/", [("email", email), ("password", password)])
        if answer.status != 302:
            raise RuntimeError(f"sign-in answered {answer.status}")

    @property
    def _token(self) -> str:
        return next((str(each.value) for each in self._cookies if each.name.endswith("csrftoken")), "")

    def _send(self, request: urllib.request.Request) -> Answer:
        try:
            with self._opener.open(request, timeout=180) as got:
                return _answer(got, request.full_url)
        except urllib.error.HTTPError as refused:
            with refused:
                return _answer(refused, request.full_url)


class _StayHere(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any) -> None:
        return None


class _Reader(HTMLParser):
    """Collects the forms that are posted, with their fields."""

    def __init__(self, url: str) -> None:
        super().__init__(convert_charrefs=True)
        self.url, self.forms = url, list[Form]()
        self._form: Form | None = None
        self._text: Field | None = None
        self._choices: Field | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            action, has_files = _path(self.url, given.get("action", "")), "multipart" in given.get("enctype", "")
            self._form = Form(action, has_files) if given.get("method", "").lower() == "post" else None
            if self._form:
                self.forms.append(self._form)
        elif self._form is not None and tag in {"input", "textarea", "select", "button"} and given.get("name"):
            self._field(tag, given)
        elif tag == "option" and self._choices is not None:
            self._choices.options.append(given.get("value", ""))
            if "selected" in given:
                self._choices.value = given.get("value", "")
        if tag == "button" and self._form is not None and given.get("formaction"):
            self.forms.append(Form(_path(self.url, given["formaction"]), fields=self._form.fields))

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.value += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "textarea":
            self._text = None
        elif tag == "select":
            self._choices = None

    def _field(self, tag: str, given: dict[str, str]) -> None:
        assert self._form is not None
        kind = given.get("type", "text") if tag == "input" else tag
        found = Field(given["name"], kind, given.get("value", ""), is_wrong=given.get("aria-invalid") == "true")
        self._form.fields.append(found)
        self._text = found if tag == "textarea" else None
        self._choices = found if tag == "select" else None


def forms_of(page: str, url: str) -> list[Form]:
    """The forms of a page that are posted to this site."""
    reader = _Reader(url)
    reader.feed(page)
    return reader.forms


def _path(url: str, action: str) -> str:
    parts = urlsplit(urljoin(url, action))
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _answer(got: Any, url: str) -> Answer:
    kind = got.headers.get("Content-Type", "")
    try:
        content = got.read()
    except http.client.IncompleteRead as cut:
        content = cut.partial
    text = content.decode("utf-8", "replace") if "text" in kind or "json" in kind else ""
    return Answer(got.status, url, got.headers.get("Location", ""), text)


def _parts(pairs: Pairs) -> bytes:
    """As multipart; what is bytes goes as a file."""
    out = b""
    for name, value in pairs:
        safe = name.replace('"', "%22").replace("\r", "").replace("\n", "")
        is_file = isinstance(value, bytes)
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{safe}"' + (
            '; filename="../../a.csv"' if is_file else ""
        )
        content = value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")
        out += head.encode("utf-8", "replace") + b"\r\n\r\n" + content + b"\r\n"
    return out + f"--{BOUNDARY}--\r\n".encode()
