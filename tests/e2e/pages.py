"""Our pages as a person reads and works them: figures beside their labels, the ticket's switches, the keyboard."""

import re
from collections import defaultdict
from decimal import Decimal

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.browser import Visit


def number(text: str) -> Decimal:
    """The first number of a text such as `9,005,181원` or `−4,500원`."""
    found = re.search(r"[+−-]?[\d,]*\d(\.\d+)?", text)
    assert found, f"no number in {text!r}"
    return Decimal(found[0].replace(",", "").replace("−", "-").replace("+", ""))


def fact(inside: Page | Locator, label: str) -> Decimal:
    """The number beside a label of a list of facts."""
    return number(inside.locator(f"dt:has-text('{label}') + dd").first.inner_text())


def tile(page: Page, label: str) -> Decimal:
    """The number on the tile with exactly this label."""
    name = page.locator(".tile__label", has_text=re.compile(f"^{label}$"))
    return number(page.locator(".tile", has=name).locator(".tile__figure").inner_text())


def details(visit: Visit) -> list[str]:
    """The addresses of one plan, one order and one account."""
    found = []
    for path, link in (("/plans/", "#plan-list th a"), ("/orders/", "#order-list th a"), ("/accounts/", "h2 a")):
        found.append(visit.open(path).locator(link).first.get_attribute("href") or "")
    return found


def open_account(visit: Visit) -> Page:
    visit.open("/accounts/").get_by_role("link", name="모의 계좌", exact=True).click()
    expect(visit.page.get_by_role("heading", name="거래 내역")).to_be_visible()
    return visit.page


def sums_by_journal(page: Page) -> list[dict[str, Decimal]]:
    """What the postings of each journal of the statement add up to, by asset."""
    postings = """(bodies) => bodies.map((body) => [...body.querySelectorAll("tr:not(.statement__head)")].map(
      (row) => [row.cells[1].textContent.trim(), row.cells[2].textContent.trim()]))"""
    journals = []
    for rows in page.locator("table.statement tbody").evaluate_all(postings):
        sums: defaultdict[str, Decimal] = defaultdict(Decimal)
        for asset, amount in rows:
            sums[asset] += number(amount)
        journals.append(dict(sums))
    return journals


# Doing things


def choose(ticket: Locator, label: str) -> None:
    """Press one of the ticket's two-way switches; the radio itself is out of sight."""
    ticket.locator(".segments label", has_text=re.compile(f"^{label}$")).click()


def fill_ticket(page: Page, side: str, kind: str, quantity: str) -> Locator:
    """The ticket filled in, with its cost told by the server."""
    ticket = page.locator("#order-ticket")
    choose(ticket, side)
    choose(ticket, kind)
    ticket.get_by_label("수량", exact=True).fill(quantity)
    return ticket


def send(ticket: Locator, button: str) -> None:
    ticket.get_by_role("button", name=button).click()
    expect(ticket.get_by_role("status")).to_contain_text("주문을 받았습니다")


def tab_to(page: Page, wanted: Locator) -> None:
    """Press Tab until the focus is there, as somebody without a mouse does."""
    for _press in range(80):
        if wanted.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"Tab does not lead to {wanted}")


def set_speed(page: Page, speed: str) -> None:
    page.get_by_role("button", name=speed, exact=True).click()
    expect(page.get_by_role("button", name=speed, exact=True)).to_have_attribute("aria-pressed", "true")


def slow_down(page: Page, times: float) -> None:
    """Let the page's scripts run as on a machine so many times slower."""
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": times})
