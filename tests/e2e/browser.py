"""A real browser without a network: whatever it asks of anybody but the running Kairos is refused and remembered."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Route,
    WebSocket,
    sync_playwright,
)

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = (  # nothing of the browser's own goes out, and no name but ours resolves to anything
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-sync",
    "--no-first-run",
    "--no-pings",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
TELL_CSP = """addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
  console.error(`CSP: ${violatedDirective} ${blockedURI}`))"""
PATIENCE = 30_000  # milliseconds for anything a page is expected to show, on a busy machine too


def chromium_path() -> str | None:
    """The system's Chromium: the file that CHROMIUM names, else the first known name on the PATH."""
    return os.environ.get("CHROMIUM") or next((found for name in NAMES if (found := shutil.which(name))), None)


class NoBrowser(Exception):
    """This machine has no Chromium that we know of."""

    code = "no_browser"

    def __init__(self) -> None:
        super().__init__(f"no browser: none of {', '.join(NAMES)} is on the PATH, and CHROMIUM names none")


@contextmanager
def launched_chromium() -> Iterator[Browser]:
    """A headless browser. Raises NoBrowser."""
    path = chromium_path()
    if path is None:
        raise NoBrowser
    as_root = ("--no-sandbox",) if os.geteuid() == 0 else ()  # root cannot have one
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*QUIET, *as_root])
        try:
            yield browser
        finally:
            browser.close()


class Visit:
    """One person's browser window at one Kairos, and everything in it that should not have happened."""

    def __init__(self, browser: Browser, url: str, **options: Any) -> None:
        self.url = url
        self.complaints: list[str] = []
        self.frames: list[str] = []  # what came over WebSockets
        self._options = {"locale": "ko-KR", "timezone_id": "Asia/Seoul", "viewport": {"width": 1440, "height": 900}}
        self.context: BrowserContext = browser.new_context(**(self._options | options), service_workers="block")
        self.context.set_default_timeout(PATIENCE)
        self.context.route("**/*", self._let_only_ours_through)
        self.context.add_init_script(TELL_CSP)
        self.context.on("console", self._hear)
        self.context.on("weberror", lambda error: self.complaints.append(f"script: {error.error}"))
        self.page: Page = self.context.new_page()
        self.page.on("websocket", self._watch)

    def open(self, path: str) -> Page:
        self.page.goto(self.url + path)
        return self.page

    def sign_in(self, email: str, password: str) -> None:
        """By the form, as everybody does."""
        self.open("/sign-in/")
        self.page.get_by_label("이메일").fill(email)
        self.page.get_by_label("비밀번호").fill(password)
        self.page.get_by_role("button", name="로그인").click()
        self.page.wait_for_url("**/dashboard/")

    def close(self) -> None:
        self.context.close()

    def _is_ours(self, address: str) -> bool:
        return urlsplit(address).netloc == urlsplit(self.url).netloc

    def _let_only_ours_through(self, route: Route, request: Request) -> None:
        if self._is_ours(request.url):
            route.continue_()
        else:
            self.complaints.append(f"network: {request.method} {request.url}")
            route.abort()

    def _watch(self, socket: WebSocket) -> None:
        if not self._is_ours(socket.url):
            self.complaints.append(f"network: WebSocket {socket.url}")
        socket.on("framereceived", lambda payload: self.frames.append(str(payload)))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"console: {message.text} ({message.location.get('url', '')})")
