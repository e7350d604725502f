"""A job whose units an engine does: plan, three passes with a barrier after each, commit.

What the engines share. Units go out in ranges whose cuts follow from their number alone, so that a driver
that is started again asks for the same ranges and finds their results. A range that fails is tried again, on
another node where there is one; one whose process dies without a word is halved until the unit at fault is
alone. Everything is bounded: attempts, ranges under way, and the time of an attempt.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
from typing import Any, Callable, Iterator

from . import commands
from .attempt import PASSES, Outcome, Task
from .errors import CODES, INTERNAL, PrepError
from .program import Flag, OnProgress, Progress, flags, program, run

# Units of a range at most, and ranges of a pass at least where there are units enough.
RANGE_UNITS_MAX = 64
RANGES_WANTED = 64
# Attempts at a range of which some unit kills its process, before it is halved.
CRASHES_BEFORE_HALVING = 2


@dataclasses.dataclass(frozen=True)
class Options:
    """How a job is driven; never changes its output."""

    threads: int = 1
    """Threads, and so processors, of an attempt."""
    memory: str | None = None
    """Memory of an attempt, like 2GiB; None: its share of its machine, by its threads."""
    attempts: int = 3
    """Attempts at a range before the job fails."""
    deadline: float = 3600.0
    """Seconds after which an attempt is stopped; much earlier one is made elsewhere, too."""
    units_per_task: int | None = None
    """Units of a range; None: so many that there are at least 64 ranges, and at most 64."""
    prep: str | None = None
    """The program on the workers; None: that of the package there."""
    map_root: tuple[str, ...] = ()
    """FROM=TO: where a directory of the plan's paths is on the workers."""

    def task(self, plan: str) -> Task:
        return Task(plan, self.prep, self.threads, self.memory, self.deadline, tuple(self.map_root))


@dataclasses.dataclass(eq=False)
class Range:
    """Units from `start` up to but not including `end`, and what became of them."""

    start: int
    end: int
    failures: list[Outcome] = dataclasses.field(default_factory=list)
    started: int = 0
    is_settled: bool = False
    """Done, or halved."""

    def __len__(self) -> int:
        return self.end - self.start

    def __str__(self) -> str:
        return f"unit {self.start}" if len(self) == 1 else f"units {self.start}..{self.end}"

    @property
    def flag(self) -> str:
        return str(self.start) if len(self) == 1 else f"{self.start}..{self.end}"

    @property
    def failed_on(self) -> set[str]:
        return {outcome.node for outcome in self.failures if outcome.node}


Check = Callable[[], None]


def never() -> None:
    """Nobody asks the job to end."""


class Ledger:
    """The ranges of one pass: which are done, which are tried again, when the job fails."""

    def __init__(self, pass_name: str, units: int, options: Options, plan: str, on_progress: OnProgress | None, check: Check = never) -> None:
        self.pass_name, self.units, self.options, self.plan = pass_name, units, options, plan
        # Called again and again while units are done; raises to end the job.
        self.check = check
        self.done, self._report = 0, on_progress
        self._tell("started")

    def cuts(self) -> list[Range]:
        """All units, in ranges."""
        length = self.options.units_per_task or min(RANGE_UNITS_MAX, max(1, self.units // RANGES_WANTED))
        return [Range(start, min(start + length, self.units)) for start in range(0, self.units, length)]

    def settle(self, piece: Range, outcome: Outcome) -> list[Range]:
        """Takes note of an attempt; what is to be tried again. Raises PrepError for a range given up."""
        if piece.is_settled:
            return []
        if outcome.code == 0:
            piece.is_settled = True
            self.done += len(piece)
            self._tell("finished" if self.done == self.units else "advanced")
            return []
        piece.failures.append(outcome)
        crashes = sum(failure.is_crash for failure in piece.failures)
        if len(piece) > 1 and crashes >= min(CRASHES_BEFORE_HALVING, self.options.attempts):
            piece.is_settled = True
            middle = (piece.start + piece.end) // 2
            # Tried before, if not alone: nothing that speaks against a node.
            return [Range(piece.start, middle, started=1), Range(middle, piece.end, started=1)]
        if len(piece.failures) >= self.options.attempts:
            raise self._given_up(piece)
        return [piece]

    def estimate(self, tasks: int, of: int) -> None:
        """How far an engine says it is whose results come all at once."""
        if self._report and self.done < self.units:
            done = self.done + (self.units - self.done) * tasks // of
            self._report(Progress("advanced", self.pass_name, units=done, units_total=self.units))

    def warn(self, text: str) -> None:
        if self._report:
            self._report(Progress("warning", self.pass_name, warning=text))

    def _tell(self, event: str) -> None:
        if self._report:
            self._report(Progress(event, self.pass_name, units=self.done, units_total=self.units))

    def _given_up(self, piece: Range) -> PrepError:
        last = piece.failures[-1]
        error = last.error or PrepError("it left no message", "killed")
        where = f" on {last.node}" if last.node else ""
        message = f"{piece} of pass {self.pass_name} failed {len(piece.failures)} times, at last{where}: {error.message}"
        by_hand = f"by itself: prep unit {self.pass_name} --plan {self.plan} --unit {piece.flag}"
        hint = f"{error.hint}; {by_hand}" if error.hint else by_hand
        return PrepError(message, "unit-failed", error.place, hint, last.code if last.code in CODES else INTERNAL)


def planning(on_progress: OnProgress) -> OnProgress:
    """Tells of the process that plans: warnings, and how far it is with what takes all rows, as pass plan."""

    started = Progress("started")

    def tell(progress: Progress) -> None:
        nonlocal started
        if progress.event == "started":
            started = progress
        elif progress.event == "warning":
            on_progress(progress)
        elif progress.event == "advanced" and (progress.rows or progress.bytes):
            totals = {"rows_total": started.rows_total, "bytes_total": started.bytes_total}
            on_progress(dataclasses.replace(progress, pass_name="plan", **totals))

    return tell


RunPass = Callable[[Ledger, Task], None]


def plan_path(out: "os.PathLike[str] | str") -> str:
    """Where a driver puts the plan: beside the output, on the same file system."""
    out = pathlib.Path(os.path.abspath(out))
    return str(out.with_name(f".{out.name}.plan.json"))


def drive(plan: str, options: Options, run_pass: RunPass, on_progress: OnProgress | None, check: Check = never) -> None:
    """The passes of a plan, each once the one before is done."""
    units = json.loads(pathlib.Path(plan).read_text())["units"]
    for pass_name in PASSES:
        run_pass(Ledger(pass_name, units, options, plan, on_progress, check), options.task(plan))


def stream(inputs: commands.Inputs, out: commands.Path, options: Options, run_pass: RunPass, on_progress: OnProgress | None, settings: dict[str, Flag]) -> dict[str, Any]:
    """A whole job, from Python: what an engine's `stream` calls. Returns the report of the commit.

    The plan stays where a unit failed, so that it can be done by hand.
    """
    plan = plan_path(out)
    with planned(plan):
        run([options.prep or program(), "plan", *flags({"plan": plan}), *commands.job_flags(inputs, out, settings)], on_progress and planning(on_progress))
        drive(plan, options, run_pass, on_progress)
        return commands.commit(plan, prep=options.prep, memory=options.memory)


@contextlib.contextmanager
def planned(plan: str) -> Iterator[None]:
    """Removes the plan in the end: always, but where a unit was given up."""
    keep = False
    try:
        yield
    except PrepError as error:
        keep = error.kind == "unit-failed"
        raise
    finally:
        if not keep:
            pathlib.Path(plan).unlink(missing_ok=True)
