"""`make bench-plans`: an hour of 10,000 plans of 500 people over 500 instruments, on the PostgreSQL of TEST_POSTGRES_URL.

Each round closes one more bar of every instrument and lets the running system's own services decide: read the bars, decide,
write 10,000 evaluations with their conditions, place the orders. One worker, and on a twin of the database, in the same
hours, two beside each other, each a process of its own, as Celery runs them. In the same run ../shared/bench/plans.py's own
way, one pandas evaluation for each plan, decides on the same bars; both sides take turns. (On the last 300 of them alone it
is a tenth faster, and wrong in the seventh digit.) Deciding is counted in seconds of the processor, of which both take one, and
set against the peer's turn by turn: what else runs on the machine changes neither. The hour is counted by the clock.
"""

import gc
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from bench.plan_world import PLANS, World, close_bar, drop, look_into, prepare, twin_of

NAIVE, ROUNDS, HOURS, LATENCIES = 100, 7, 4, 40
spent: dict[str, float] = defaultdict(float)


def timed(module: Any, name: str, kind: str) -> None:
    """Count the seconds that this step of the evaluation takes."""
    step: Callable[..., Any] = getattr(module, name)

    def counted(*given: Any, **named: Any) -> Any:
        started = time.perf_counter()
        try:
            return step(*given, **named)
        finally:
            spent[kind] += time.perf_counter() - started

    setattr(module, name, counted)


def worker() -> None:
    """Do what each line on standard input asks, and answer in JSON."""
    import django

    django.setup()
    from django.conf import settings
    from django.db import connection

    from trading.services.planning import evaluation
    from trading.services.planning.evaluation import many

    gc.collect()
    gc.freeze()  # as the supervisor does before it forks a worker
    connection.settings_dict["NAME"] = sys.argv[1]
    layers: dict[str, Any] = settings.CHANNEL_LAYERS
    layers["default"]["CONFIG"]["hosts"] = [sys.argv[2]]
    timed(evaluation, "pending_plans", "read")
    timed(evaluation, "views_for", "read")
    timed(evaluation, "rules_of", "rules")
    timed(many, "_look_ahead", "decide")
    timed(many, "lock_free", "read")
    timed(many, "write_rows", "write")
    timed(many, "write_plans", "write")
    timed(evaluation, "decide_together", "orders")
    timed(evaluation, "decide_each", "orders")
    asks: dict[str, Callable[..., Any]] = {
        "evaluate": evaluation.evaluate_chunk,
        "chunks": evaluation.instruments_due,
        "latencies": latencies,
        "decide": lambda: Deciding().rounds(),
        "figures": lambda: {"mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024},
    }
    for line in sys.stdin:
        name, *given = json.loads(line)
        spent.clear()
        cpu = time.process_time()
        answer = asks[name](*given)
        print(json.dumps([answer, dict(spent) | {"cpu": time.process_time() - cpu}]), flush=True)


def latencies() -> list[float]:
    """Seconds that deciding for one plan takes, on plans of their own one after the other."""
    from trading.models import SwingPlan
    from trading.services.planning import evaluation

    taken = []
    for plan in SwingPlan.objects.order_by("id")[:LATENCIES]:
        started = time.perf_counter()
        evaluation.evaluate_plan(plan)
        taken.append(time.perf_counter() - started)
    return taken


class Deciding:
    """Deciding alone, without reading and writing: ours for all plans, the peer's for some of them, by turns."""

    def __init__(self) -> None:
        from trading.models import SwingPlan
        from trading.services.planning.evaluation.due import Market, due, pending_plans, views_for
        from trading.services.planning.evaluation.rules import rules_of
        from trading.services.planning.evaluation.standing import standing_of

        plans, market = SwingPlan.objects.running(), Market()
        found = due(plans, market)
        self.pending = pending_plans(plans, found)
        self.rules = rules_of({plan.rule: plan.version_id for plan in self.pending})
        self.views = views_for(found, self.pending, self.rules, market)
        plans_by_key = {plan.pk: standing_of(plan) for plan in SwingPlan.objects.all()}
        self.standing = [plans_by_key[each.plan_id] for each in self.pending]
        self.asked = [
            (self.views[each.instrument_id, each.interval], each.rule, self.rules[each.rule], each.decided_until)
            for each in self.pending
        ]
        self.world = World()
        self.names = dict(SwingPlan.objects.values_list("pk", "name"))
        self.stages = dict(SwingPlan.objects.values_list("name", "signal"))
        gc.collect()
        gc.freeze()  # a worker holds a few hundred plans at a time, not all of them

    def rounds(self) -> dict[str, Any]:
        figures: dict[str, list[float]] = {"ours": [], "naive": []}
        for _round in range(ROUNDS):
            for views in self.views.values():
                views.forget()
            started = time.process_time()
            decisions = self.decide()
            figures["ours"].append(len(decisions) / (time.process_time() - started))
            started = time.process_time()
            self.naive(NAIVE)
            figures["naive"].append(NAIVE / (time.process_time() - started))
        return figures | {"differences": self.differences(decisions)}

    def decide(self) -> list[str]:
        """What each plan does, in the order of `pending`."""
        from trading.services.planning.evaluation.deciding import decision_on
        from trading.services.planning.evaluation.looks import look_ahead

        decisions = []
        look_ahead(self.asked)
        for plan, (view, key, rule, since) in zip(self.standing, self.asked, strict=True):
            for look in view.looks(key, rule, since):
                decision = decision_on(plan, look, has_working_order=False)
                decisions.append(decision.action if decision else "")
        return decisions

    def naive(self, count: int) -> Any:
        bars = self.world.begun + 1
        return self.world.peer.naive_pandas(self.world.candles[:, :, :bars], self.world.plans[:count])

    def differences(self, told_by_us: list[str]) -> int:
        """How many of our decisions are not the peer's."""
        decisions = {self.names[each.plan_id]: said for each, said in zip(self.pending, told_by_us, strict=True)}
        words = {(0, 1): "buy_first", (1, 2): "buy_second", (1, -1): "sell", (2, -1): "sell"}
        self.world.plans["stage"][:] = [self.stages[f"plan {place}"] for place in range(PLANS)]
        told = self.naive(NAIVE)
        stages = self.world.plans["stage"][:NAIVE].tolist()
        wrong = [
            place
            for place, (stage, said) in enumerate(zip(stages, told.tolist(), strict=True))
            if stage != 3 and decisions[f"plan {place}"] != words.get((stage, said), "hold")
        ]
        return len(wrong)


class Worker:
    """A worker process, asked one thing at a time."""

    def __init__(self, database: str, redis: str) -> None:
        command = [sys.executable, "-m", "bench.plans", database, redis]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603
        self.spent: dict[str, float] = defaultdict(float)

    def ask(self, *what: Any) -> None:
        print(json.dumps(what), file=self._process.stdin, flush=True)

    @property
    def stream(self) -> Any:
        return self._process.stdout

    def answer(self) -> Any:
        line = self.stream.readline()
        if not line:
            raise SystemExit("a worker has died")
        answer, told = json.loads(line)
        for kind, seconds in told.items():
            self.spent[kind] += seconds
        return answer

    def do(self, *what: Any) -> Any:
        self.ask(*what)
        return self.answer()

    def end(self) -> None:
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait(60)


def hour(workers: list[Worker]) -> dict[str, float]:
    """One hourly run: chunks found, then taken by whichever worker is free; seconds in all and by kind."""
    import selectors

    for each in workers:
        each.spent.clear()
    started, written = time.perf_counter(), 0
    chunks = workers[0].do("chunks")
    waiting = selectors.DefaultSelector()
    for each in workers:
        if chunks:
            each.ask("evaluate", chunks.pop(0))
            waiting.register(each.stream, selectors.EVENT_READ, each)
    while waiting.get_map():
        for key, _events in waiting.select():
            free: Worker = key.data
            written += free.answer()
            if chunks:
                free.ask("evaluate", chunks.pop(0))
            else:
                waiting.unregister(free.stream)
    figures = {"total": time.perf_counter() - started, "written": written}
    return figures | {
        kind: sum(each.spent[kind] for each in workers)
        for kind in ("read", "rules", "decide", "write", "orders", "cpu")
    }


def main() -> None:
    """Run all of it and print the medians."""
    url = os.environ.get("TEST_POSTGRES_URL")
    if not url:
        sys.exit("bench-plans needs TEST_POSTGRES_URL: a PostgreSQL server on which databases may be made")
    os.environ |= {"TEST_DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    import django

    django.setup()
    from django.conf import settings
    from django.db import connection

    from config.environment import read_environment
    from config.supervision.embedded_redis import EmbeddedRedis
    from trading.models import Order, PlanEvaluation

    hints = EmbeddedRedis(read_environment().redis_socket)  # what pages are told goes out as it does in production
    hints.start()
    world = World()
    name = prepare(world)
    twin = twin_of(name)  # the same hours once more, for two workers: how many orders an hour asks for differs a lot
    workers = {"one": [Worker(name, settings.REDIS_URL)], "two": [Worker(twin, settings.REDIS_URL) for _ in range(2)]}
    databases = {"one": name, "two": twin}
    try:
        for each in databases.values():
            look_into(each)
            close_bar(world, world.begun)
        alone = Worker(name, settings.REDIS_URL)
        deciding = alone.do("decide")
        alone.end()
        runs: dict[str, list[dict[str, float]]] = {"one": [], "two": []}
        for number in range(1 + HOURS):  # in the first, a worker has seen none of the rules
            for way in ("one", "two") if number % 2 else ("two", "one"):
                look_into(databases[way])
                before = Order.objects.count()
                runs[way].append(hour(workers[way]))
                runs[way][-1]["placed"] = Order.objects.count() - before
                close_bar(world, world.begun + number + 1)
        look_into(name)
        taken = workers["one"][0].do("latencies")
        peak = max(each.do("figures")["mib"] for side in workers.values() for each in side)
        stored, orders = PlanEvaluation.objects.count(), Order.objects.count()
    finally:
        for each_worker in (*workers["one"], *workers["two"]):
            each_worker.end()
        hints.stop()
        drop(twin, name)
        connection.creation.destroy_test_db("", verbosity=0)

    warm = {way: hours[1:] for way, hours in runs.items()}

    def median(way: str, kind: str) -> float:
        return statistics.median(run[kind] for run in warm[way])

    print(json.dumps({"deciding": deciding, "runs": runs}))
    ours, naive = (statistics.median(deciding[side]) for side in ("ours", "naive"))
    ratio = statistics.median(a / b for a, b in zip(deciding["ours"], deciding["naive"], strict=True))
    faster = statistics.median(one["total"] / two["total"] for one, two in zip(warm["one"], warm["two"], strict=True))
    print(
        f"distinct={world.distinct()} naive_plans_per_s={naive:.0f} differences={deciding['differences']} "
        f"orders_per_hour={median('one', 'placed'):.0f} orders={orders} evaluations={stored} "
        f"cold_s={runs['one'][0]['total']:.2f} "
        f"decide_s={median('one', 'decide'):.2f} orders_s={median('one', 'orders'):.2f} cpu_s={median('one', 'cpu'):.2f} "
        f"two_workers_s={median('two', 'total'):.2f} two_over_one={faster:.2f} "
        f"one_plan_ms={1000 * statistics.median(taken):.1f} peak_mib={peak:.0f}"
    )
    print(
        f"bench-plans: plans={PLANS} compute_plans_per_s={ours:.0f} vs_naive={ratio:.0f} "
        f"total_s={median('one', 'total'):.2f} read_s={median('one', 'read'):.2f} write_s={median('one', 'write'):.2f}"
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        worker()
    else:
        main()
