"""A person without a browser: signs up, fills in forms and follows links over plain HTTP, as the pages allow without scripts."""

import re
import urllib.error
import urllib.parse
import urllib.request
from html.parser import HTMLParser
from http.cookiejar import CookieJar


class Visitor:
    """One person's session with a running Kairos. Any answer but 200 raises urllib.error.HTTPError."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        self.address = ""  # of the last page, after redirects

    def get(self, path: str) -> str:
        return self._open(urllib.request.Request(self._url + path))

    def submit(self, path: str, **typed: str) -> str:
        """Open the form at `path`, keep what it suggests, type the rest and send it; the page that follows."""
        page = self.get(path)
        form = Form.at(page, path if "action" not in typed else typed.pop("action"))
        body = urllib.parse.urlencode({**form.fields, **typed}).encode()
        target = urllib.parse.urljoin(self.address, form.action or self.address)
        request = urllib.request.Request(target, body, {"Referer": self.address, "Origin": self._url})
        return self._open(request)

    def _open(self, request: urllib.request.Request) -> str:
        with self._opener.open(request, timeout=30) as answer:
            self.address = answer.geturl()
            text: str = answer.read().decode()
            return text


class Form(HTMLParser):
    """The fields a form comes with: hidden values, suggestions, first options, checked boxes."""

    def __init__(self, wanted: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self._wanted = wanted
        self._inside = False
        self._found = False
        self._select = ""

    @classmethod
    def at(cls, page: str, wanted: str) -> "Form":
        """The first form of `page` that posts to `wanted`, or to the page itself."""
        form = cls(wanted)
        form.feed(page)
        assert form._found, f"no form for {wanted} on this page: {re.sub('<[^>]+>', ' ', page)[:500]}"
        return form

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and not self._found:
            action = given.get("action", "")
            self._inside = given.get("method", "").lower() == "post" and action in {"", self._wanted}
            self._found |= self._inside
            self.action = action if self._inside else self.action
        elif self._inside and (name := given.get("name", "")):
            self._field(tag, name, given)
        elif self._inside and tag == "option" and ("selected" in given or self._select not in self.fields):
            self.fields[self._select] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False

    def _field(self, tag: str, name: str, given: dict[str, str]) -> None:
        if tag == "select":
            self._select = name
        elif tag == "textarea":
            self.fields[name] = ""
        elif tag == "input":
            unchecked = given.get("type") in {"checkbox", "radio"} and "checked" not in given
            if not unchecked and given.get("type") != "submit":
                self.fields[name] = given.get("value", "on" if given.get("type") == "checkbox" else "")
