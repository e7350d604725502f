"""One attempt at a range of units, on the machine that an engine has chosen for it.

Never raises: what an engine does about exceptions differs, so whatever goes wrong is an `Outcome`. The
program is started directly, without a shell, and dies with the process that started it.
"""

from __future__ import annotations

import dataclasses
import os
import subprocess
import time

from .errors import CODES, PrepError
from .program import Flag, event_of, flags, program

PASSES = ("split", "fit", "write")
# How often a running attempt looks whether it is still wanted.
LOOK_SECONDS = 0.5
# What a message is cut to.
SAID_MAX = 4000


@dataclasses.dataclass(frozen=True)
class Task:
    """What all attempts of a job have in common; goes to every worker."""

    plan: str
    prep: str | None
    """The program on the workers; None: that of the package there."""
    threads: int
    memory: str | None
    """For each attempt; None: what the program takes, its share of the machine by its threads."""
    deadline: float
    """Seconds after which an attempt is stopped."""
    map_root: tuple[str, ...] = ()

    def here(self, path: str) -> str:
        """Where a path of the plan's machine is on this one."""
        for pair in self.map_root:
            source, target = pair.split("=", 1)
            if path == source or path.startswith(source.rstrip("/") + "/"):
                return target.rstrip("/") + path[len(source.rstrip("/")) :]
        return path


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How an attempt ended."""

    node: str | None
    code: int
    """The program's exit code; negative: the signal that killed it."""
    error: PrepError | None = None
    seconds: float = 0.0

    @property
    def is_crash(self) -> bool:
        """Whether it ended without a word, so that one unit of the range may be at fault."""
        return self.code not in CODES and self.code != 0


def attempt(task: Task, pass_name: str, start: int, end: int, node: str) -> Outcome:
    """Does units `start` up to but not including `end`."""
    began = time.monotonic()
    try:
        code, said = _run(task, pass_name, start, end)
        error = None if code == 0 else _error(code, said)
    except PrepError as cause:
        code, error = cause.exit_code, cause
    except OSError as cause:
        error = PrepError(f"cannot start prep: {cause.strerror}", "missing", cause.filename, exit_code=2)
        code = error.exit_code
    return Outcome(node, code, error, time.monotonic() - began)


def _run(task: Task, pass_name: str, start: int, end: int) -> tuple[int, str]:
    plan = task.here(task.plan)
    settings: dict[str, Flag] = {"plan": plan, "unit": f"{start}..{end}", "threads": task.threads, "memory": task.memory, "map_root": task.map_root, "child_of": os.getpid()}
    command = [task.prep or program(), "unit", pass_name, *flags(settings), "--quiet", "--log-format=json"]
    # It dies with this process by itself: what is to be done between fork and exec costs a whole fork of a large one.
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace")
    until = time.monotonic() + task.deadline
    while True:
        try:
            said = process.communicate(timeout=LOOK_SECONDS)[1]
            return process.returncode, said[-SAID_MAX:]
        except subprocess.TimeoutExpired:
            is_late = time.monotonic() > until
            # A driver that gives up takes the plan away: some engines leave what runs alone.
            if not is_late and os.path.exists(plan):
                continue
        process.kill()
        process.communicate()
        if is_late:
            raise PrepError(f"was stopped after {task.deadline:.0f} seconds", "killed", hint="give it longer with --deadline")
        raise PrepError("was stopped, since the plan is gone", "interrupted", plan)


def _error(code: int, said: str) -> PrepError:
    events = [event_of(line) for line in said.splitlines()]
    last = [event for event in events if event and event["event"] == "error"][-1:]
    return PrepError.of_event(last[0]) if last else PrepError.of_death("it", code, said)
