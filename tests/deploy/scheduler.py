#!/usr/bin/env python3
"""A stand-in for a scheduler: takes the name of `sbatch` or `kubectl`, and runs arrays badly on purpose.

Tasks run out of order, four at a time, and every one of them twice, as after a requeue. It is no scheduler: jobs
run at once and to their end, so that a dependency is met when the job that names it is submitted, or never.
Its state is a folder, named by STANDIN. Only what the files of docs/deploy/ ask for is understood.
"""

import concurrent.futures
import json
import os
import pathlib
import random
import subprocess
import sys

STATE = pathlib.Path(os.environ["STANDIN"])


def run_array(name, tasks, command, variable):
    """Whether all tasks have succeeded, at their first and at their second run."""
    twice = [task for task in tasks for _ in range(2)]
    random.Random(name).shuffle(twice)

    def run(task):
        return subprocess.run(command, env={**os.environ, variable: str(task)}, stdout=subprocess.DEVNULL).returncode

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        codes = list(pool.map(run, twice))
    with (STATE / "ran").open("a") as log:
        log.write(f"{name}: {len(twice)} runs of {len(tasks)} tasks, exit codes {sorted(set(codes))}\n")
    return not any(codes)


def sbatch(arguments):
    flags = dict(one[2:].partition("=")[::2] for one in arguments if one.startswith("--"))
    command = [one for one in arguments if not one.startswith("--")]
    for before in flags.get("dependency", "").replace("afterok:", " ").split():
        if (STATE / before).read_text() != "ok":
            raise SystemExit(f"{flags['job-name']}: never, {before} has failed")
    if "array" in flags:
        first, _, last = flags["array"].partition("-")
        done = run_array(flags["job-name"], range(int(first), int(last) + 1), command, "SLURM_ARRAY_TASK_ID")
    else:
        done = not any([subprocess.run(command, stdout=subprocess.DEVNULL).returncode for _ in range(2)])
    number = str(1000 + len(list(STATE.iterdir())))
    (STATE / number).write_text("ok" if done else "failed")
    print(number)


def kubectl(arguments):
    verb = arguments[0]
    if verb == "create":
        import yaml

        job = yaml.safe_load(sys.stdin)
        name, spec = job["metadata"]["name"], job["spec"]
        container = spec["template"]["spec"]["containers"][0]
        done = run_array(name, range(spec["completions"]), container["command"] + container["args"], "JOB_COMPLETION_INDEX")
        (STATE / f"{name}.json").write_text(json.dumps(done))
    name = next((one.partition("/")[2] for one in arguments if one.startswith("job/")), None)
    record = STATE / f"{name}.json"
    if verb == "get":
        print("Complete" if json.loads(record.read_text()) else "Failed")
    elif verb == "wait" and not json.loads(record.read_text()):
        raise SystemExit(f"{name} has failed")
    elif verb == "delete":
        record.unlink()


if __name__ == "__main__":
    {"sbatch": sbatch, "kubectl": kubectl}[pathlib.Path(sys.argv[0]).name](sys.argv[1:])
