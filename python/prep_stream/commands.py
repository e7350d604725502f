"""A job in one process, and its parts for many: the commands of `prep` as functions.

Each returns the program's report as a dict and raises PrepError. Keywords beyond those named are flags of
the command, with underscores: `test_size="0.1"`, `label=["price"]`, `overwrite=True`.
"""

from __future__ import annotations

import os
from typing import Any, Sequence, Union

from .program import Flag, OnProgress, flags, program, run

Path = Union[str, "os.PathLike[str]"]
Inputs = Union[Path, Sequence[Path]]


def stream(inputs: Inputs, out: Path, *, on_progress: OnProgress | None = None, prep: Path | None = None, **settings: Flag) -> dict[str, Any]:
    """Splits, fits on train, writes: `prep stream`."""
    return run([*_start(prep, "stream"), *job_flags(inputs, out, settings)], on_progress)


def plan(inputs: Inputs, out: Path, plan: Path | None = None, *, on_progress: OnProgress | None = None, prep: Path | None = None, **settings: Flag) -> dict[str, Any]:
    """What a job would do; with `plan`, also the file that `run_unit` and `commit` take: `prep plan`.

    For those it also does what takes all rows: it parses text, and finds sides that take several readings.
    """
    return run([*_start(prep, "plan"), *flags({"plan": plan}), *job_flags(inputs, out, settings)], on_progress)


def run_unit(pass_name: str, plan: Path, units: range | int, *, on_progress: OnProgress | None = None, prep: Path | None = None, **settings: Flag) -> dict[str, Any]:
    """One pass ("split", "fit" or "write") of some units of a plan: `prep unit`."""
    if isinstance(units, range) and units.step != 1:
        raise ValueError(f"units must be consecutive, not {units}")
    unit = f"{units.start}..{units.stop}" if isinstance(units, range) else str(units)
    return run([*_start(prep, "unit"), pass_name, *flags({"plan": plan, "unit": unit, **settings})], on_progress)


def commit(plan: Path, *, on_progress: OnProgress | None = None, prep: Path | None = None, **settings: Flag) -> dict[str, Any]:
    """Merges and publishes, once all units of a plan are done: `prep commit`."""
    return run([*_start(prep, "commit"), *flags({"plan": plan, **settings})], on_progress)


def job_flags(inputs: Inputs, out: Path, settings: dict[str, Flag]) -> list[str]:
    """The flags of a job."""
    several = [inputs] if isinstance(inputs, (str, os.PathLike)) else list(inputs)
    return flags({"in": several, "out": out, **settings})


def _start(prep: Path | None, command: str) -> list[str]:
    return [os.fspath(prep) if prep else program(), command]
