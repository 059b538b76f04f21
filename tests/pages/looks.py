"""One page in one dress: what axe finds, what it cost to load, and what it asked of anybody else."""

from dataclasses import dataclass, field
from importlib.resources import files
from itertools import product
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from tests.e2e.browser import Visit
from tests.pages.routes import Route

AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
GRAVE = {"serious", "critical"}
WIDTHS = {"wide": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
CHARTED = {"markets:instrument", "trading:plan", "trading:strategy", "trading:strategy_library", "backtests:run"}
MOST_KIB, MOST_KIB_CHARTED = 350, 600
MOST_MS = 1000  # to the first contentful paint
SETTLE_MS = 300
RUN_AXE = """async () => (await axe.run(document, { resultTypes: ["violations"] })).violations.map(
  ({ id, impact, nodes }) => ({ id, impact, where: nodes.map((node) => node.target.join(" ")).slice(0, 3) }))"""
PAINTED = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
# One press of Tab: whether it left the page, came back to where it had been, and whether anything shows where it is. A
# radio inside a switch shows it on its label, a card's link on the card.
TABBED = """() => {
  const seen = (window.tabbed ??= [])
  const el = document.activeElement
  if (!el || el === document.body || el === document.documentElement) return { left: true }
  if (el === seen.at(-1)) return { inside: true } // a field of several parts, such as a date
  const again = seen.indexOf(el)
  seen.push(el)
  const shows = (node, pseudo) => {
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(node, pseudo)
    return (outlineStyle !== "none" && parseFloat(outlineWidth) > 0) || boxShadow !== "none"
  }
  const label = el.closest("label")
  const visible = shows(el) || shows(el, "::after") || Boolean(label && shows(label))
  const words = (el.getAttribute("aria-label") ?? el.textContent ?? "").trim().slice(0, 30)
  return { again, visible, name: `${el.tagName.toLowerCase()}${el.id ? "#" + el.id : ""} ${words}` }
}"""
MOST_TABS = 400
OVERFLOWS = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth + 1"


@dataclass(frozen=True, slots=True)
class Dress:
    """How a page is looked at."""

    width: str
    scheme: str
    language: str

    def __str__(self) -> str:
        return f"{self.width}/{self.scheme}/{self.language}"


LANGUAGES = ("ko", "en")


def dresses(language: str) -> list[Dress]:
    return [Dress(width, scheme, language) for width, scheme in product(WIDTHS, ("light", "dark"))]


@dataclass(slots=True)
class Look:
    """What was seen. `kib`: everything the page loaded into a cold cache, as it came over the wire."""

    route: Route
    dress: Dress
    kib: float = 0.0
    paint_ms: float | None = None
    grave: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    overflows: bool = False
    stuck: list[str] = field(default_factory=list)  # what the keyboard cannot do

    @property
    def external(self) -> int:
        return sum(complaint.startswith("network:") for complaint in self.complaints)

    @property
    def over(self) -> list[str]:
        """The budgets that this look breaks."""
        most = MOST_KIB_CHARTED if self.route.name in CHARTED else MOST_KIB
        said = [f"{self.kib:.0f} KiB of {most}"] if self.kib > most else []
        if self.paint_ms is not None and self.paint_ms > MOST_MS:
            said.append(f"painted after {self.paint_ms:.0f} ms of {MOST_MS}")
        return [*said, "wider than the window"] if self.overflows else said


class Window:
    """One person's browser in one dress; `cookies` are of their session, none for a stranger."""

    def __init__(self, browser: Browser, url: str, dress: Dress, cookies: list[Any]) -> None:
        self.dress = dress
        locale = {"ko": "ko-KR", "en": "en-US"}[dress.language]
        self._visit = Visit(browser, url, locale=locale, viewport=WIDTHS[dress.width], color_scheme=dress.scheme)
        self._visit.context.add_cookies(cookies)
        self._wire = self._visit.context.new_cdp_session(self._visit.page)
        self._wire.send("Network.enable")
        self._wire.on("Network.loadingFinished", self._count)
        self._bytes = 0.0

    def look(self, route: Route) -> Look:
        """Load the page into a cold cache and examine it."""
        self._wire.send("Network.clearBrowserCache")
        self._bytes = 0.0
        self._visit.complaints.clear()
        page = self._visit.open(route.path)
        page.wait_for_load_state("load")
        page.wait_for_timeout(SETTLE_MS)  # what scripts ask for once the page stands belongs to it
        kib, painted = self._bytes / 1024, page.evaluate(PAINTED)
        complaints, overflows = list(self._visit.complaints), bool(page.evaluate(OVERFLOWS))
        page.evaluate(AXE)
        found: list[dict[str, Any]] = page.evaluate(RUN_AXE)
        grave = [f"{each['id']} {', '.join(each['where'])}" for each in found if each["impact"] in GRAVE]
        return Look(route, self.dress, kib, painted, grave, complaints, overflows)

    def tab_through(self, look: Look) -> None:
        """Press Tab from the top to the end: the focus is always to be seen, and comes through to the end."""
        page = self._visit.page
        page.evaluate("() => { document.activeElement?.blur(); scrollTo(0, 0) }")
        for _press in range(MOST_TABS):
            page.keyboard.press("Tab")
            at = page.evaluate(TABBED)
            if at.get("inside"):
                continue
            if at.get("left") or at["again"] == 0:
                return
            if at["again"] > 0:
                look.stuck.append(f"Tab goes in a circle at {at['name']}")
                return
            if not at["visible"]:
                look.stuck.append(f"nothing shows the focus on {at['name']}")
        look.stuck.append(f"{MOST_TABS} presses of Tab do not reach the end")

    def keep(self, path: Path) -> None:
        """A picture of the page as it is now, from top to bottom."""
        self._visit.page.screenshot(path=path, full_page=True)

    def picture(self, route: Route, settle_ms: int) -> bytes:
        """The page from top to bottom once it has settled, as PNG."""
        page = self._visit.open(route.path)
        page.wait_for_timeout(settle_ms)
        return page.screenshot(full_page=True)

    def close(self) -> None:
        self._visit.close()

    def _count(self, event: dict[str, Any]) -> None:
        self._bytes += event["encodedDataLength"]
