"""What each page costs the server, with many rows behind it: `python -m tests.pages.costs people|fill|measure` beside Kairos.

`people` adds somebody who may see all; `fill` gives the demo's person orders and evaluations beyond what anybody has in
years; `measure` reads addresses from its input and prints one JSON line for each: queries, and the 95th percentile of
twenty answers in milliseconds.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from typing import Any

ORDERS, EVALUATIONS = 10_000, 100_000
AT_ONCE = 2_000  # rows of one transaction: the feed writes beside us
TIMES = 20
MOST_QUERIES, MOST_MS = 30, 100.0
ADMIN = "pages-admin@kairos.example"


def people() -> None:
    """An admin who has shown a second factor, for the pages of admins: their session, as a browser's cookie."""
    from django.conf import settings
    from django.contrib.auth.signals import user_logged_in
    from django.test import Client

    from accounts.models import Role, User
    from accounts.services import sessions

    def show_second_factor(request: Any, **_signal: Any) -> None:
        sessions.prove(request, second_factor=True)

    user_logged_in.connect(show_second_factor)
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(User.objects.create_user(ADMIN, None, role=Role.ADMIN))
    print(
        json.dumps({"name": settings.SESSION_COOKIE_NAME, "value": client.cookies[settings.SESSION_COOKIE_NAME].value})
    )


def fill() -> None:
    """Ended orders and old evaluations of the demo's plans: money and SIGNAL are as before."""
    from trading.models import Order, PlanEvaluation, SwingPlan

    plan = SwingPlan.objects.select_related("user", "broker_account", "instrument").order_by("created_at")[0]
    for model, rows in ((Order, _orders(plan)), (PlanEvaluation, _evaluations(plan))):
        while chunk := list(islice(rows, AT_ONCE)):
            model.objects.bulk_create(chunk)
    print(json.dumps({"orders": Order.objects.count(), "evaluations": PlanEvaluation.objects.count()}))


def _orders(plan: Any) -> Iterator[Any]:
    from trading.models import Order

    newest = plan.created_at - timedelta(days=1)
    for number in range(ORDERS):
        at = newest - timedelta(minutes=number)
        yield Order(
            user=plan.user, broker_account=plan.broker_account, instrument=plan.instrument, side="buy", quantity=1,
            order_type="limit", limit_price=1, time_in_force="day", state="canceled", reason="canceled_by_person",
            client_key=f"old {number}", request_hash="", client_id=f"old {number}", market_at=at, finished_at=at,
        )  # fmt: skip


def _evaluations(plan: Any) -> Iterator[Any]:
    """Copies of a real evaluation at earlier bars."""
    from trading.models import PlanEvaluation

    like = PlanEvaluation.objects.filter(plan=plan).order_by("pk").first()
    if like is None:
        raise SystemExit("the demo has not evaluated its first plan yet")
    for _number in range(EVALUATIONS):
        like.pk, like.order = None, None
        like.bar_closed_at -= timedelta(hours=1)
        yield PlanEvaluation(**{field.attname: getattr(like, field.attname) for field in like._meta.concrete_fields})


def measure(paths: list[str]) -> None:
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from accounts.models import User
    from trading.models import SwingPlan

    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(User.objects.get(pk=SwingPlan.objects.order_by("created_at")[0].user_id))
    for path in paths:
        client.get(path)  # caches that live as long as the process
        with CaptureQueriesContext(connection) as asked:
            status = client.get(path).status_code
        queries = len(asked)  # the next request empties the log
        took = sorted(_milliseconds(client, path) for _ in range(TIMES))
        figures = {"queries": queries, "p95_ms": round(took[int(TIMES * 0.95) - 1], 1), "status": status}
        print(json.dumps({"path": path, **figures}), flush=True)


def _milliseconds(client: Any, path: str) -> float:
    began = time.perf_counter()
    client.get(path)
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    if sys.argv[1] == "measure":
        measure(sys.stdin.read().split())
    else:
        {"people": people, "fill": fill}[sys.argv[1]]()
