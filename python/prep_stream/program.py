"""The program `prep`: where it is, its flags, and what it says while it runs."""

from __future__ import annotations

import ctypes
import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
from typing import Any, Callable, Iterable, Mapping, Sequence, Union

from .errors import PrepError

Flag = Union[str, int, float, bool, "os.PathLike[str]", None, Sequence[Union[str, "os.PathLike[str]"]]]
# Exit codes of a job that is done; the second, with files skipped on request.
DONE = (0, 7)
PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclasses.dataclass(frozen=True)
class Progress:
    """How far a job is; what isn't known, or doesn't belong to the event, is None."""

    event: str
    """started, advanced, finished or warning"""
    pass_name: str | None = None
    """plan, split, fit, write, shuffle, commit or audit"""
    rows: int | None = None
    bytes: int | None = None
    rows_total: int | None = None
    bytes_total: int | None = None
    seconds: float | None = None
    units: int | None = None
    """Units that a cluster has done of this pass."""
    units_total: int | None = None
    warning: str | None = None


OnProgress = Callable[[Progress], None]


def program() -> str:
    """The path of `prep`: of this package if it is installed, else of the search path."""
    scripts = sysconfig.get_path("scripts")
    found = shutil.which("prep", path=scripts) or shutil.which("prep")
    if found is None:
        hint = "pip install prep-stream installs it"
        raise PrepError(f"no program prep in {scripts} or the search path", "missing", hint=hint, exit_code=2)
    return found


def flags(settings: Mapping[str, Flag]) -> list[str]:
    """Keywords as flags: True is a switch, a list repeats the flag, None and False leave it out."""
    typed: list[str] = []
    for name, value in settings.items():
        flag = "--" + name.strip("_").replace("_", "-")
        if value is True:
            typed.append(flag)
        elif value is None or value is False:
            continue
        elif isinstance(value, (str, int, float, os.PathLike)):
            typed.append(f"{flag}={os.fspath(value) if isinstance(value, os.PathLike) else value}")
        else:
            typed.extend(f"{flag}={os.fspath(one)}" for one in value)
    return typed


def run(command: Iterable[str], on_progress: OnProgress | None = None) -> dict[str, Any]:
    """Runs prep to its end and returns its report; an exception, also Ctrl-C, stops it first.

    Raises PrepError when it fails.
    """
    command = [*command, "--log-format=json"]
    # A report may be longer than a pipe holds.
    with tempfile.TemporaryFile() as report:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=report, stderr=subprocess.PIPE, text=True, errors="replace", preexec_fn=die_with_parent())
        try:
            error, said = _listen(process, on_progress)
            code = process.wait()
        except BaseException:
            process.send_signal(signal.SIGTERM)
            process.wait()
            raise
        finally:
            if process.stderr:
                process.stderr.close()
        if code not in DONE:
            raise PrepError.of_event(error) if error else PrepError.of_death("prep", code, said)
        report.seek(0)
        lines = report.read().splitlines()
    return json.loads(lines[-1]) if lines else {}


def _listen(process: subprocess.Popen[str], on_progress: OnProgress | None) -> tuple[dict[str, Any] | None, str]:
    """The last error, and the last line that is no event."""
    error, said = None, ""
    for line in process.stderr or ():
        event = event_of(line)
        if event is None:
            said = line
        elif event["event"] == "error":
            error = event
        elif on_progress:
            on_progress(_progress(event))
    return error, said


def event_of(line: str) -> dict[str, Any] | None:
    """The event that a line holds, if it does."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None


def _progress(event: dict[str, Any]) -> Progress:
    names = {field.name for field in dataclasses.fields(Progress)}
    return Progress(pass_name=event.get("pass"), **{name: value for name, value in event.items() if name in names})


def die_with_parent() -> Callable[[], None] | None:
    """For `preexec_fn`: the kernel kills the child once the process that started it is gone.

    An engine kills its workers without a word to what they have started.
    """
    if _LIBC is None:
        return None
    libc, parent = _LIBC, os.getpid()

    def prepare() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return prepare
