"""Ray as the engine: ranges of units as Ray tasks.

    import prep_stream.ray
    report = prep_stream.ray.stream("/lake/in", "/lake/out", address="auto", label=["price"])

Ray places the tasks, runs as many as there is room for, and starts those again whose worker was killed. What it
doesn't do is done here: about twice as many tasks as there are slots are under way; a task that takes far longer
than others is started on another node, too; and nodes on which everything fails are left out. All nodes need
this package, and the directories of the input and the output.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import functools
import logging
import os
import sys
import time
from typing import Any, Iterator

import ray
from ray.exceptions import RayError

from . import commands, driver, terminal
from .attempt import Outcome, Task, attempt
from .driver import Ledger, Options, Range
from .errors import INTERNAL, PrepError
from .program import Flag, OnProgress

# Of a worker that was killed, by Ray itself.
RETRIES = 3
# Ranges under way for each slot: one that runs and one that is ready.
WINDOW = 2
# Failures in a row, of ranges that weren't tried before, for which a node is left out.
STRIKES = 3
# How often it is looked at deadlines and nodes.
LOOK_SECONDS = 0.5
# An attempt is made elsewhere, too, once it takes so many times as long as the longest of its pass, and so long.
OVERDUE_TIMES, OVERDUE_SECONDS = 10, 30.0
# That many seconds don't count so long after a node was lost: Ray starts again what broke off, not what is frozen.
LOST_SECONDS = 5.0
# For so long a node is avoided that was lost, or that hasn't answered since such an attempt was started.
SILENT_SECONDS = 600.0
# Beyond the deadline, at which a node that is alive stops an attempt by itself.
GRACE_SECONDS = 30.0


def stream(inputs: commands.Inputs, out: commands.Path, *, address: str | None = None, options: Options = Options(), on_progress: OnProgress | None = None, **settings: Flag) -> dict[str, Any]:
    """`prep_stream.stream` with the units done by Ray; further keywords are flags of `prep plan`.

    `address` is that of a running cluster; None: a connection that exists, RAY_ADDRESS, a cluster on this
    machine, or else one that is started here and ended after the job. Raises PrepError.
    """
    with connected(address) as passes:
        return driver.stream(inputs, out, options, passes, on_progress, settings)


@contextlib.contextmanager
def connected(address: str | None) -> Iterator[driver.RunPass]:
    """A connection to Ray, for as long as it is needed; one that was there before is left alone."""
    passes = functools.partial(run_pass, Nodes())
    if ray.is_initialized():
        yield passes
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, ValueError, RuntimeError) as cause:
        where = f" at {address}" if address else ""
        hint = "start one with ray start, and name it with --address HOST:PORT"
        raise PrepError(f"cannot connect to a Ray cluster{where}: {cause}", "engine", hint=hint, exit_code=2) from cause
    try:
        yield passes
    finally:
        ray.shutdown()


@dataclasses.dataclass
class Nodes:
    """What the passes of a job have learned of nodes, by their ids."""

    slots: dict[str, int] = dataclasses.field(default_factory=dict)
    """Those that are alive, and how many attempts have room on each."""
    answered: dict[str, float] = dataclasses.field(default_factory=dict)
    """When an attempt there has ended last."""
    late: float | None = None
    """When the last attempt was started that took too long."""
    lost: dict[str, float] = dataclasses.field(default_factory=dict)
    """Those that were alive, and when they no longer were."""

    def look(self, slots: dict[str, int]) -> None:
        now = time.monotonic()
        self.lost.update((node, now) for node in self.slots.keys() - slots.keys())
        self.lost = {node: since for node, since in self.lost.items() if node not in slots and now - since < SILENT_SECONDS}
        self.slots = slots

    def silent(self) -> set[str]:
        """Where nothing should go: Ray sends tasks to a lost node too, if it has sent others of their kind there."""
        lost = set(self.lost)
        if self.late is None or time.monotonic() - self.late > SILENT_SECONDS:
            return lost
        return lost | {node for node in self.slots if self.answered.get(node, 0.0) < self.late}


def run_pass(nodes: Nodes, ledger: Ledger, task: Task) -> None:
    """One pass; cancels what is under way if it ends early."""
    Dispatcher(nodes, ledger, task).run()


@dataclasses.dataclass
class Flight:
    """An attempt under way."""

    piece: Range
    since: float
    is_first: bool
    is_overdue: bool = False


class Dispatcher:
    """The tasks of one pass."""

    def __init__(self, nodes: Nodes, ledger: Ledger, task: Task) -> None:
        self.nodes, self.ledger, self.task = nodes, ledger, ray.put(task)
        self.threads, self.deadline = task.threads, task.deadline
        self.waiting = collections.deque(ledger.cuts())
        self.flights: dict[Any, Flight] = {}
        # Of this pass alone: a unit may be at fault.
        self.strikes: collections.Counter[str] = collections.Counter()
        self.longest: float | None = None
        self.looked: float | None = None

    def run(self) -> None:
        try:
            while self.ledger.done < self.ledger.units:
                self.ledger.check()
                self._look()
                window = max(1, WINDOW * sum(self.nodes.slots.values()))
                while self.waiting and sum(not flight.is_overdue for flight in self.flights.values()) < window:
                    self._start(self.waiting.popleft())
                ready, _ = ray.wait(list(self.flights), num_returns=1, timeout=LOOK_SECONDS)
                # All that are there, not only the one that was waited for.
                ready, _ = ray.wait(list(self.flights), num_returns=len(self.flights), timeout=0) if ready else ([], [])
                for reference in ready:
                    self._land(self.flights.pop(reference), outcome(reference))
        finally:
            self._cancel()

    def _start(self, piece: Range) -> None:
        if piece.is_settled:
            return
        placed = do_units.options(num_cpus=self.threads, label_selector=self._selector(piece))
        reference = placed.remote(self.task, self.ledger.pass_name, piece.start, piece.end)
        self.flights[reference] = Flight(piece, time.monotonic(), is_first=not piece.started)
        piece.started += 1

    def _selector(self, piece: Range) -> dict[str, str]:
        """Where not to go, unless nothing else is left."""
        alive = self.nodes.slots.keys()
        left_out = {node for node, strikes in self.strikes.items() if strikes >= STRIKES}
        for avoided in (left_out | self.nodes.silent() | piece.failed_on, left_out | piece.failed_on, left_out):
            if avoided and alive - avoided:
                return {"ray.io/node-id": f"!in({','.join(sorted(avoided))})"}
        return {}

    def _patience(self, flight: Flight, now: float) -> float:
        """Seconds after which an attempt is made elsewhere, too."""
        if self.longest is None:
            return self.deadline
        lost = max(self.nodes.lost.values(), default=now)
        floor = 0.0 if flight.since < lost < now - LOST_SECONDS else OVERDUE_SECONDS
        return min(self.deadline, max(floor, OVERDUE_TIMES * self.longest))

    def _land(self, flight: Flight, landed: Outcome) -> None:
        """An attempt has ended, one way or another."""
        if landed.node:
            self.nodes.answered[landed.node] = time.monotonic()
        if landed.code == 0:
            self.longest = max(self.longest or 0.0, landed.seconds)
        if landed.node and landed.code == 0:
            self.strikes[landed.node] = 0
        elif landed.node and flight.is_first:
            self.strikes[landed.node] += 1
            if self.strikes[landed.node] == STRIKES:
                self.ledger.warn(f"node {landed.node} is left out after {STRIKES} failures in a row: {landed.error}")
        self.waiting.extendleft(self.ledger.settle(flight.piece, landed))

    def _look(self) -> None:
        """At nodes, and at attempts that take too long."""
        now = time.monotonic()
        if self.looked is not None and now - self.looked < LOOK_SECONDS:
            return
        self.looked = now
        self.nodes.look(slots(self.threads))
        for reference, flight in list(self.flights.items()):
            age = now - flight.since
            if age > self.deadline + GRACE_SECONDS:
                del self.flights[reference]
                ray.cancel(reference, force=True)
                silence = PrepError(f"no answer within {age:.0f} seconds", "killed")
                self._land(flight, Outcome(None, INTERNAL, silence))
            elif age > self._patience(flight, now) and not flight.is_overdue and flight.piece.started < self.ledger.options.attempts:
                flight.is_overdue = True
                self.nodes.late = max(self.nodes.late or 0.0, flight.since)
                self.ledger.warn(f"{flight.piece} of pass {self.ledger.pass_name} is under way for {age:.0f} seconds: tried elsewhere, too")
                self.waiting.appendleft(flight.piece)

    def _cancel(self) -> None:
        for reference in self.flights:
            ray.cancel(reference, force=True)
        # A task that is cancelled has ended once its worker is gone; a frozen node says nothing.
        if self.flights:
            ray.wait(list(self.flights), num_returns=len(self.flights), timeout=5)


@ray.remote(max_retries=RETRIES)
def do_units(task: Task, pass_name: str, start: int, end: int) -> Outcome:
    """On a worker."""
    return attempt(task, pass_name, start, end, ray.get_runtime_context().get_node_id())


def outcome(reference: Any) -> Outcome:
    """What a task returned, or what Ray says of it."""
    try:
        landed: Outcome = ray.get(reference)
        return landed
    except RayError as cause:
        said = str(cause).strip().splitlines() or [type(cause).__name__]
        return Outcome(None, INTERNAL, PrepError(f"{type(cause).__name__}: {said[0]}", "killed"))


def slots(threads: int) -> dict[str, int]:
    """Nodes that are alive, and how many attempts have room on each."""
    alive = (node for node in ray.nodes() if node["Alive"])  # type: ignore[no-untyped-call]
    room = {node["NodeID"]: int(node["Resources"].get("CPU", 0)) // threads for node in alive}
    return {node: count for node, count in room.items() if count}


def main(arguments: list[str] | None = None) -> int:
    """`python -m prep_stream.ray --plan FILE [OPTIONS] -- FLAGS OF prep plan`."""
    return terminal.main("ray", connected, arguments)


if __name__ == "__main__":
    # As the module that workers import, not as the program's own.
    from prep_stream.ray import main as imported

    sys.exit(imported())
