"""A job of prep as an Airflow DAG: plan, the units of each pass as mapped tasks, commit.

Workers need `prep` on their path and see the lake under one path. A task that is retried or runs twice is safe:
its units are done once. Variables: LAKE and UNITS_PER_TASK, where the lake is, and units of a mapped task.
"""

from __future__ import annotations

import datetime
import json
import os
import pathlib
import subprocess

from airflow.sdk import dag, task

LAKE = os.environ.get("LAKE", "/lake")
UNITS_PER_TASK = int(os.environ.get("UNITS_PER_TASK", "8"))
PLAN = f"{LAKE}/plan.json"


def prep(*arguments: str) -> None:
    """Runs prep; what it says goes to the task's log."""
    subprocess.run(["prep", *arguments], check=True)


@dag(
    schedule="30 2 * * *",
    start_date=datetime.datetime(2026, 1, 1),
    catchup=False,
    # Two would be two jobs on one output, of which one is refused.
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": datetime.timedelta(minutes=1), "execution_timeout": datetime.timedelta(hours=4)},
    tags=["prep"],
)
def standardize():
    @task
    def plan() -> list[str]:
        """Ranges of units, as `--unit` takes them."""
        prep("plan", "--in", f"{LAKE}/in", "--out", f"{LAKE}/out", "--if-changed", "--plan", PLAN)
        units = json.loads(pathlib.Path(PLAN).read_text())["units"]
        return [f"{first}..{min(first + UNITS_PER_TASK, units)}" for first in range(0, units, UNITS_PER_TASK)]

    @task(max_active_tis_per_dagrun=16)
    def unit(pass_name: str, units: str) -> None:
        prep("unit", pass_name, "--plan", PLAN, "--unit", units, "--threads", "4", "--memory", "7GiB")

    @task
    def commit() -> None:
        prep("commit", "--plan", PLAN)

    ranges = plan()
    before = ranges
    for pass_name in ("split", "fit", "write"):
        done = unit.override(task_id=pass_name).partial(pass_name=pass_name).expand(units=ranges)
        before >> done
        before = done
    before >> commit()


standardize()
