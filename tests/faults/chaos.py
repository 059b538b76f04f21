"""`make chaos KILLS=200`: processes of ours die at random under load, the broker lies, PostgreSQL crashes twice.

Placers, two dispatchers and a stranger go about their business while one after another is killed and begun anew. When the
faults have ended and everything has come to rest, the auditor holds our books against the venue's truth.
"""

import argparse
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from tests.faults.forks import run_in_child
from tests.faults.servers import Postgres, own_postgres
from tests.faults.sweep import set_up

if TYPE_CHECKING:
    from tests.faults.cast import Cast, Memory

SCALE = 10  # of waiting times: a lease lives for 1.5 s, and 12 s after sending an order may be proven absent
BETWEEN_KILLS = (0.2, 0.8)  # seconds
SETTLING = 160.0  # seconds at most
RESTARTS = 2


def run(words: argparse.Namespace, database: str, postgres: Postgres | None) -> int:
    from tests.faults import mutants
    from tests.faults.cast import Cast, Memory
    from tests.faults.roles import Flag, Scene
    from tests.servers.control import HostileBroker

    mutant = mutants.Mutant(words.mutant)
    with ExitStack() as stack:
        venue = stack.enter_context(HostileBroker(words.seed))
        venue.serve_this_process()
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        prepared = run_in_child(partial(_prepare, venue, mutant))
        if prepared.status:
            return 1
        accounts, instruments = prepared.result
        scene = Scene(folder, venue.url, accounts, instruments, Flag())
        venue.set_policy(parts=3, pace_seconds=0.2)
        cast = Cast(scene, str(words.seed), partial(mutants.spoil_process, mutant))
        memory = Memory()
        with _playing(cast):
            venue.set_faults(*_faults(), seed=words.seed)
            kills = _storm(cast, words.kills, Random(words.seed), postgres, memory)
            venue.set_faults()
            scene.enough.raise_it()
            for role in [*cast.of("placer"), *cast.of("person"), cast.stranger]:
                cast.end(role, 30)
            settled = _calm(memory, cast, SETTLING if mutant is mutants.Mutant.NONE else SETTLING / 4)
            cast.stop_dispatchers()
        told = run_in_child(partial(_audit, scene, venue))
        if told.status:
            return 1
        restarts = postgres.restarts if postgres else 0
        return _report(words, kills, restarts, told.result, memory, settled, cast.failures)


@contextmanager
def _playing(cast: "Cast") -> Iterator[None]:
    everybody = [*cast.roles, cast.stranger]
    for role in everybody:
        cast.start(role)
    try:
        yield
    except BaseException:
        for role in everybody:
            if role.pid:
                os.kill(role.pid, signal.SIGKILL)
        raise


def _storm(cast: "Cast", wanted: int, random: Random, postgres: Postgres | None, memory: "Memory") -> int:
    """Kill one after the other; crash PostgreSQL after a third of the kills and after two."""
    crashes = [wanted * part // (RESTARTS + 1) for part in range(1, RESTARTS + 1)] if postgres else []
    for number in range(wanted):
        time.sleep(random.uniform(*BETWEEN_KILLS))
        if number in crashes and postgres is not None:
            postgres.crash()
        memory.look([role.pid for role in cast.of("dispatch")])
        cast.notice()
        cast.kill(random.choice(cast.roles))
    return wanted


def _calm(memory: "Memory", cast: "Cast", seconds: float) -> float | None:
    """Until nothing is in doubt; then call back what rests, until nothing does. Seconds, None where it never came to rest."""
    began = time.monotonic()
    for step in (_in_doubt, _resting):
        while run_in_child(step).result != 0:
            if time.monotonic() - began > seconds:
                return None
            time.sleep(0.5)
            memory.look([role.pid for role in cast.of("dispatch")])
            cast.notice()
    return time.monotonic() - began


def _in_doubt() -> int:
    from trading import lifecycle
    from trading.models import Order

    unsure = [lifecycle.OrderState.PENDING, *lifecycle.UNRESOLVED]
    return (
        Order.objects.filter(state__in=unsure).count() + Order.objects.working().filter(cancel_requested=True).count()
    )


def _resting() -> int:
    """How many orders are not over yet; each is called back once."""
    from trading import services
    from trading.errors import OrderNotOpen
    from trading.models import Order

    for order in Order.objects.open().filter(cancel_requested=False).select_related("user"):
        try:
            services.cancel_order(order.user, order.pk)
        except OrderNotOpen:
            continue  # it has just ended
    return Order.objects.open().count()


def _prepare(venue: Any, mutant: Any) -> tuple[list[tuple[str, str]], list[str]]:
    from django.core.management import call_command

    from tests import factories as make
    from tests.faults import mutants, stage
    from trading.services.settling.readings import open_books

    call_command("migrate", verbosity=0)
    mutants.spoil_database(mutant)
    instruments = [stage.make_instrument(symbol).key for symbol in ("005930",)]
    for key in instruments:
        venue.set_costs(key)
        venue.set_price(key, stage.PRICE)
    accounts = []
    for broker in ("plain", "plain", "plain", "plainid"):  # few lanes, so that orders meet doubts
        user = make.make_user()
        account = stage.make_account(
            user, broker, "chaos", venue, cash=stage.RICH, units=dict.fromkeys(instruments, 2_000)
        )
        stage.lift_limits(account)
        open_books(account)
        accounts.append((str(account.pk), broker))
    return accounts, instruments


def _faults() -> list[Any]:
    """Half of what is sent goes wrong in some way, and a little of every page of a list, of which there are many.

    What comes late comes within the time that has to be waited for it.
    """
    from tests.servers.faults import Fault, Rule, Verb

    rules = [Rule(fault, Verb.SUBMIT, None, 0.1, seconds=5.0) for fault in Fault if _fits(fault, Verb.SUBMIT)]
    for verb, share in ((Verb.CANCEL, 0.05), (Verb.LIST, 0.003), (Verb.FIND, 0.04), (Verb.HOLDINGS, 0.04)):
        rules += [Rule(fault, verb, None, share, seconds=4.0) for fault in Fault if _fits(fault, verb)]
    return rules


def _fits(fault: Any, verb: Any) -> bool:
    from tests.servers.faults import Rule

    try:
        Rule(fault, verb)
    except ValueError:
        return False
    return True


def _audit(scene: Any, venue: Any) -> dict[str, Any]:
    from brokers.models import BrokerAccount
    from tests.faults.auditor import audit
    from tests.faults.stage import truth_of
    from trading.models import AccountReading, Alert, Halt, Order, PositionDifference

    findings = [
        finding
        for account in BrokerAccount.objects.order_by("created_at")
        for finding in audit(account, truth_of(venue, account))
    ]
    answers = [answer for path in scene.folder.glob("placer-*") for answer in _journal(path).answers()]
    return {
        "tally": Counter(finding.kind.value for finding in findings),
        "findings": [str(finding) for finding in findings],
        "orders": Order.objects.exclude(state="denied").count(),
        "states": Counter(Order.objects.values_list("state", flat=True)),
        "waiting": [
            _story(order) for order in Order.objects.filter(state__in=["pending", "submitted", "unknown"])[:10]
        ],
        "differences": [str(row) for row in PositionDifference.objects.filter(closed_at=None)],
        "readings": [f"{row.failure} {row.failed_since}" for row in AccountReading.objects.exclude(failed_since=None)],
        "alerts": {row.cause: row.times for row in Alert.objects.order_by("times")},
        "halts": [str(row) for row in Halt.objects.exclude(mode="active")],
        "reasons": Counter(Order.objects.exclude(reason="").values_list("reason", flat=True)),
        "answers": Counter(answer for answer, _ms in answers),
        "milliseconds": sorted(ms for _answer, ms in answers if ms is not None),
        "requests": venue.truth()["requests"],
        "strangers": sum(not order.our_id for order in venue.orders()),
    }


def _story(order: Any) -> str:
    """What happened to one order, for whoever has to find out why it waits."""
    events = [f"{event.created_at:%T} {event.state} {event.reason}" for event in order.events.order_by("id")]
    return f"{order.client_id} {order.side} {order.limit_price} not before {order.not_before}: {'; '.join(events)}"


def _journal(path: Path) -> Any:
    from tests.faults.journal import Journal

    return Journal(path)


def _report(
    words: argparse.Namespace, kills: int, restarts: int, told: dict[str, Any], memory: "Memory", settled: float | None,
    failures: list[str],
) -> int:  # fmt: skip
    tally, times = told["tally"], told["milliseconds"] or [0.0]
    for finding in told["findings"][:30]:
        print(f"    {finding}")
    for failure in failures:
        print(f"    {failure}")
    for story in told["waiting"]:
        print(f"    waits: {story}")
    if told["differences"] or told["readings"]:
        print(f"open differences {told['differences']} failed readings {told['readings']}")
    print(f"seed={words.seed} database={words.db} mutant={words.mutant or 'none'} time_scale={SCALE}")
    print(f"states {told['states']}")
    print(f"reasons {told['reasons']}")
    print(f"alerts {told['alerts']} latches {told['halts']}")
    print(f"answers {told['answers']}")
    print(f"venue requests {told['requests']}, strangers' orders {told['strangers']}")
    print(f"place_order p50={times[len(times) // 2]:.1f} ms p99={times[int(len(times) * 0.99)]:.1f} ms n={len(times)}")
    print(f"dispatch memory {memory}")
    print(f"settled after {'never' if settled is None else f'{settled:.1f} s'}; failures of processes: {len(failures)}")
    print(f"unresolved={tally.get('stuck', 0)} books={tally.get('books', 0)}")
    harm = {kind: tally.get(kind, 0) for kind in ("duplicate", "lost", "wrong", "phantom")}
    figures = " ".join(f"{kind}={number}" for kind, number in harm.items())
    print(f"chaos: kills={kills} restarts={restarts} orders={told['orders']} {figures}")
    if words.mutant:
        return 0 if any(harm.values()) else 1  # the blunder must be found
    return 1 if tally or failures or settled is None or not told["orders"] else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--mutant", default="", choices=["", "lane", "refusal"])
    parser.add_argument("--db", default="postgresql", choices=["postgresql", "sqlite"])
    words = parser.parse_args()
    os.environ["KAIROS_TIME_SCALE"] = str(SCALE)
    if words.db == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            url = f"sqlite:///{folder}/chaos.sqlite3"
            set_up(url)
            return run(words, url, None)
    with own_postgres() as postgres:
        url = postgres.create("chaos")
        set_up(url)
        return run(words, url, postgres)


if __name__ == "__main__":
    sys.exit(main())
