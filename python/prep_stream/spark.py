"""Spark as the engine: ranges of units as the tasks of a Spark job.

    import prep_stream.spark
    report = prep_stream.spark.stream(spark, "/lake/in", "/lake/out", label=["price"])

    spark-submit --master spark://HOST:7077 $(python -m prep_stream.spark --script) \
        --plan /lake/plan.json -- --in /lake/in --out /lake/out

Spark places the tasks, retries them elsewhere and leaves out nodes on which they fail. A task that fails too
often would end the Spark job, and the work of all others with it: so a task raises only at its first attempt,
and only where there is another executor; after that it returns how it failed, and the range is tried again
in a Spark job that follows. All nodes need this package, and the directories of the input and the output.
"""

from __future__ import annotations

import contextlib
import functools
import socket
import sys
import threading
import time
import uuid
from typing import Any, Iterable, Iterator

from py4j.protocol import Py4JError
from pyspark import InheritableThread, SparkContext, TaskContext
from pyspark.sql import SparkSession

from . import commands, driver, submit, terminal
from .attempt import Outcome, Task, attempt
from .driver import Ledger, Options, Range
from .errors import INTERNAL, PrepError
from .program import Flag, OnProgress

# How often the engine is asked how far it is.
LOOK_SECONDS = 0.2
# For a session of one's own: a frozen node is noticed in half a minute instead of two, one that fails left out.
SETTINGS = {
    # For the rest of a pass, not of the session: a unit may be at fault.
    "spark.excludeOnFailure.taskAndStage.enabled": "true",
    "spark.network.timeout": "20s",
    "spark.network.timeoutInterval": "5s",
    "spark.executor.heartbeatInterval": "2s",
    "spark.storage.blockManagerHeartbeatTimeoutMs": "20000",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


def stream(spark: SparkSession, inputs: commands.Inputs, out: commands.Path, *, options: Options = Options(), on_progress: OnProgress | None = None, **settings: Flag) -> dict[str, Any]:
    """`prep_stream.stream` with the units done by Spark; further keywords are flags of `prep plan`.

    `SETTINGS` are what a session should have. Raises PrepError.
    """
    passes = functools.partial(run_pass, spark.sparkContext)
    return driver.stream(inputs, out, options, passes, on_progress, settings)


def run_pass(context: SparkContext, ledger: Ledger, task: Task) -> None:
    """One pass: all ranges in one Spark job, then those that failed in another, and so on."""
    pieces, is_first = ledger.cuts(), True
    while pieces:
        outcomes = _round(context, ledger, task, pieces, is_first)
        again: list[Range] = []
        given_up: list[PrepError] = []
        for piece, outcome in zip(pieces, outcomes):
            try:
                again.extend(ledger.settle(piece, outcome))
            except PrepError as error:
                given_up.append(error)
        # Not at the first: what the others have done is noted.
        if given_up:
            raise given_up[0]
        pieces, is_first = again, False


def _round(context: SparkContext, ledger: Ledger, task: Task, pieces: list[Range], is_first: bool) -> list[Outcome]:
    """An attempt at each piece, by one Spark job."""
    group = f"prep {ledger.pass_name} {uuid.uuid4()}"
    pass_name, may_raise = ledger.pass_name, is_first and _executors(context) > 1
    numbered = [(index, piece.start, piece.end) for index, piece in enumerate(pieces)]
    landed: list[tuple[int, Outcome]] = []
    failed: list[BaseException] = []

    def work(mine: Iterable[tuple[int, int, int]]) -> Iterator[tuple[int, Outcome]]:
        return do_units(task, pass_name, may_raise, mine)

    def collect() -> None:
        context.setJobGroup(group, f"prep: {pass_name}", interruptOnCancel=True)
        try:
            landed.extend(context.parallelize(numbered, len(numbered)).mapPartitions(work).collect())
        except BaseException as cause:
            failed.append(cause)

    thread = InheritableThread(target=collect, name="prep-spark-job", daemon=True)
    thread.start()
    try:
        _watch(context, group, ledger, thread)
    except BaseException:
        context.cancelJobGroup(group)
        raise
    if failed:
        # Too many tasks have raised: now none does.
        if is_first and isinstance(failed[0], Py4JError):
            ledger.warn("Spark has ended a job of many failures: once more, without its retries")
            return _round(context, ledger, task, pieces, is_first=False)
        lost = Outcome(None, INTERNAL, PrepError(f"Spark has ended the job: {_first_line(failed[0])}", "killed"))
        return [lost] * len(pieces)
    return [outcome for _, outcome in sorted(landed, key=lambda pair: pair[0])]


def _watch(context: SparkContext, group: str, ledger: Ledger, thread: threading.Thread) -> None:
    """Waits for a job, and says how far it is."""
    tracker, began = context.statusTracker(), time.monotonic()
    while thread.is_alive():
        thread.join(LOOK_SECONDS)
        ledger.check()
        for job in tracker.getJobIdsForGroup(group):
            info = tracker.getJobInfo(job)
            stages = [tracker.getStageInfo(stage) for stage in info.stageIds] if info else []
            tasks = [(stage.numCompletedTasks, stage.numTasks) for stage in stages if stage]
            if tasks and time.monotonic() - began > 1:
                ledger.estimate(*tasks[0])


def do_units(task: Task, pass_name: str, may_raise: bool, mine: Iterable[tuple[int, int, int]]) -> Iterator[tuple[int, Outcome]]:
    """On an executor."""
    context = TaskContext.get()
    is_first = context is not None and context.attemptNumber() == 0
    for index, start, end in mine:
        outcome = attempt(task, pass_name, start, end, socket.gethostname())
        if outcome.error is not None and may_raise and is_first:
            raise outcome.error
        yield index, outcome


def _executors(context: SparkContext) -> int:
    """Executors that are alive; the driver is in the list."""
    return int(context._jsc.sc().getExecutorMemoryStatus().size()) - 1


def _first_line(cause: BaseException) -> str:
    return (str(cause).strip().splitlines() or [type(cause).__name__])[0]


@contextlib.contextmanager
def connected(address: str | None) -> Iterator[driver.RunPass]:
    """The session of spark-submit, or one of our own, ended after the job."""
    builder = SparkSession.builder.appName("prep")
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    try:
        spark = (builder.master(address) if address else builder).getOrCreate()
    except Exception as cause:
        where = f" at {address}" if address else ""
        raise PrepError(f"cannot connect to Spark{where}: {_first_line(cause)}", "engine", hint="name a master with --address spark://HOST:7077", exit_code=2) from cause
    try:
        yield functools.partial(run_pass, spark.sparkContext)
    finally:
        # Also ends what cancelled tasks have left running.
        spark.stop()


def main(arguments: list[str] | None = None) -> int:
    """`python -m prep_stream.spark --plan FILE [OPTIONS] -- FLAGS OF prep plan`."""
    given = sys.argv[1:] if arguments is None else arguments
    if given == ["--script"]:
        print(submit.SCRIPT)
        return 0
    return terminal.main("spark", connected, given)


if __name__ == "__main__":
    # As the module that workers import, not as the program's own.
    from prep_stream.spark import main as imported

    sys.exit(imported())
