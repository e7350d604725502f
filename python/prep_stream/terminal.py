"""What `prep stream --engine` starts: options, progress and errors as the program itself has them."""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import os
import signal
import subprocess
import sys
import time
from typing import Callable, ContextManager, Iterator, Mapping

from . import driver
from .driver import Options, RunPass
from .errors import PrepError
from .program import Progress, die_with_parent, program, run

# Between lines of progress.
TEXT_SECONDS, JSON_SECONDS = 10.0, 1.0
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Connect = Callable[["str | None"], "ContextManager[RunPass]"]


class Stop:
    """The signal that asks the driver to stop, once there was one."""

    def __init__(self) -> None:
        self.number: int | None = None
        self.is_deferred = False

    def catch(self) -> None:
        for number in SIGNALS:
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._stop)

    def _stop(self, number: int, _frame: object) -> None:
        self.number = number
        # The second ends the process at once.
        for other in SIGNALS:
            signal.signal(other, signal.SIG_DFL)
        if not self.is_deferred:
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def deferred(self) -> Iterator[None]:
        """Where an exception could come in the middle of an engine's own code: there `check` raises it."""
        self.is_deferred = True
        try:
            yield
        finally:
            self.is_deferred = False
        self.check()

    def check(self) -> None:
        if self.number is not None:
            raise KeyboardInterrupt


def main(engine: str, connect: Connect, arguments: list[str] | None) -> int:
    """Drives a job by an engine; its exit code."""
    chosen = _parser(engine).parse_args(arguments)
    # Workers have working directories of their own.
    chosen.plan = os.path.abspath(chosen.plan)
    options = Options(chosen.threads, chosen.memory, chosen.attempts, chosen.deadline, chosen.units_per_task, chosen.prep, tuple(chosen.map_root))
    printer = Printer(chosen.log_format == "json", chosen.quiet)
    stop = Stop()
    try:
        with driver.planned(chosen.plan):
            stop.catch()
            run([chosen.prep or program(), "plan", "--plan", chosen.plan, *chosen.job], driver.planning(printer))
            with connect(chosen.address) as run_pass:
                # Engines have handlers of their own.
                stop.catch()
                with stop.deferred():
                    driver.drive(chosen.plan, options, run_pass, printer, stop.check)
            said = ["--quiet"] if chosen.quiet else []
            memory = ["--memory", chosen.memory] if chosen.memory else []
            command = [chosen.prep or program(), "commit", "--plan", chosen.plan, "--log-format", chosen.log_format, *memory, *said]
            return subprocess.call(command, preexec_fn=die_with_parent())
    except BaseException as error:
        # An engine may make something else of what the handler raises.
        if stop.number is not None:
            error = PrepError(f"interrupted by signal {stop.number}", "interrupted", exit_code=128 + stop.number)
        if not isinstance(error, PrepError):
            raise
        printer.error(error)
        return error.exit_code


def _parser(engine: str) -> argparse.ArgumentParser:
    default = Options()
    parser = argparse.ArgumentParser(prog=f"python -m prep_stream.{engine}", allow_abbrev=False, description=f"Does a job of prep with {engine}. After -- come the flags of prep plan.")
    parser.add_argument("--plan", required=True, metavar="FILE", help="where the plan is put, on a file system that all workers see; removed in the end")
    parser.add_argument("--address", help="the cluster")
    parser.add_argument("--threads", type=int, default=default.threads, metavar="N", help="threads of an attempt at a range of units")
    parser.add_argument("--memory", metavar="SIZE", help="memory of an attempt [default: its share of the machine, by threads]")
    parser.add_argument("--attempts", type=int, default=default.attempts, metavar="N", help="attempts at a range before the job fails")
    parser.add_argument("--deadline", type=float, default=default.deadline, metavar="SECONDS", help="after which an attempt is stopped")
    parser.add_argument("--units-per-task", type=int, metavar="N", help="units of a range [default: by their number, at most 64]")
    parser.add_argument("--prep", metavar="PATH", help="the program on all machines [default: that of the package]")
    parser.add_argument("--map-root", action="append", default=[], metavar="FROM=TO", help="a directory of the plan is elsewhere on the workers")
    parser.add_argument("--log-format", choices=["text", "json"], default="text")
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("job", nargs="*", metavar="-- FLAGS", help="--in, --out and so on, as of prep plan")
    return parser


def far(progress: Progress) -> dict[str, int | None]:
    """What there is to say: units that a cluster has done, or what the process that plans has read."""
    if progress.units is not None:
        return {"units": progress.units, "units_total": progress.units_total}
    return {"rows": progress.rows, "bytes": progress.bytes, "bytes_total": progress.bytes_total}


def shown(progress: Progress) -> str:
    """The same for people."""
    if progress.units is not None:
        return f"{progress.units} of {progress.units_total} units"
    if progress.bytes_total:
        return f"{(progress.bytes or 0) / 1e6:.0f} of {progress.bytes_total / 1e6:.0f} MB"
    return f"{progress.rows or 0:,} rows"


class Printer:
    """Progress and errors on standard error, as lines of text or JSON."""

    def __init__(self, is_json: bool, is_quiet: bool) -> None:
        self.is_json, self.is_quiet = is_json, is_quiet
        self.began, self.last = time.monotonic(), time.monotonic()

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if progress.event == "started":
            self.began = self.last = now
        # The process that plans has an interval of its own.
        if progress.event == "advanced" and progress.units is not None:
            if now - self.last < (JSON_SECONDS if self.is_json else TEXT_SECONDS):
                return
            self.last = now
        if self.is_quiet:
            return
        seconds = round(now - self.began, 3)
        if progress.event == "warning":
            self._print({"event": "warning", "warning": progress.warning}, f"warning: {progress.warning}")
            return
        event = {"event": progress.event, "pass": progress.pass_name, **far(progress), "seconds": seconds}
        done = f"done in {seconds:.1f} s" if progress.event == "finished" else f"{seconds:.1f} s"
        self._print(event, None if progress.event == "started" else f"{progress.pass_name}: {shown(progress)}, {done}")

    def error(self, error: PrepError) -> None:
        event = {"event": "error", "kind": error.kind, "error": error.message, "place": error.place, "hint": error.hint, "exit_code": error.exit_code}
        self._print(event, f"error: {error}")

    def _print(self, event: Mapping[str, object], text: str | None) -> None:
        if self.is_json:
            now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
            print(json.dumps({**event, "ts": now.replace("+00:00", "Z")}), file=sys.stderr, flush=True)
        elif text is not None:
            print(f"prep: {text}", file=sys.stderr, flush=True)
