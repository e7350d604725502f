"""One job done by many processes, which are killed at random moments.

In each pass several processes do random ranges of units at once, overlapping, and most of them are killed
while they do, two of them at the same range; some of what they leave is damaged, cut short, removed, or put in
the place of another's. Then one does what is left. The commit is killed, too, and done again. The output is
that of an undisturbed `prep stream`, byte for byte, and nothing is left behind.
"""

import json
import random
import shutil
import subprocess
import sys
import time

import faults

PASSES = ("split", "fit", "write")


def start(*arguments):
    command = [faults.binary(), *map(str, arguments), "--quiet"]
    return subprocess.Popen(command, env=faults.ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def some_range(source, units):
    first = source.randrange(units)
    return f"{first}..{source.randrange(first + 1, units + 1)}"


def attempts(verdict, source, plan, step, units):
    """Several attempts at once, most of them killed; how many were."""
    killed = 0
    for _ in range(3):
        ranges = [some_range(source, units) for _ in range(3)]
        running = [start("unit", step, "--plan", plan, "--unit", units, "--threads", 1) for units in [*ranges, ranges[0]]]
        time.sleep(source.uniform(0.01, 0.3))
        for process in running:
            if source.random() < 0.7 and process.poll() is None:
                process.kill()
                killed += 1
        for process in running:
            errors = process.communicate()[1]
            verdict.check(process.returncode in {0, -9}, f"unit {step}: exit code {process.returncode}: {errors}")
    return killed


def spoil(source, partials, step):
    """Damages about half of what a pass has left, and of the totals; how much."""
    paths = sorted([*partials.glob(f"{step}-*.lines"), *partials.glob("*-total.json")])
    spoiled = [path for path in paths if source.random() < 0.5]
    for path in spoiled:
        bytes_left = bytearray(path.read_bytes())
        place = source.randrange(len(bytes_left))
        match source.randrange(4):
            case 0:
                bytes_left[place] ^= 1 << source.randrange(8)
                path.write_bytes(bytes_left)
            case 1:
                path.write_bytes(bytes_left[:place])
            case 2:
                path.unlink()
            case 3:
                path.write_bytes(source.choice([other for other in paths if other.exists()]).read_bytes())
    return len(spoiled)


def make_inputs(work, seed):
    """Five units: of at most 128 files each, a few of them larger."""
    faults.numbers_parquet(work / "in", 60_000, 1, seed)
    faults.numbers_parquet(work / "small", 50, 1, seed)
    large, few = (work / folder / "part-0.parquet" for folder in ("in", "small"))
    for number in range(1, 520):
        shutil.copy(large if number % 130 == 0 else few, work / "in" / f"part-{number}.parquet")
    shutil.rmtree(work / "small")


def main():
    options = faults.arguments(__doc__, rounds=100)
    source = random.Random(options.seed)
    verdict = faults.Verdict("units.py")
    killed = commits = spoiled = 0
    with faults.scratch() as work:
        make_inputs(work, options.seed)
        faults.must("stream", "--in", work / "in", "--out", work / "out", "--quiet")
        wanted = faults.tree(work / "out")
        plan = work / "plan.json"
        for number in range(options.rounds):
            shutil.rmtree(work / "out", ignore_errors=True)
            faults.must("plan", "--in", work / "in", "--out", work / "out", "--plan", plan)
            units = json.loads(plan.read_text())["units"]
            for step in PASSES:
                killed += attempts(verdict, source, plan, step, units)
                spoiled += spoil(source, work / ".out.prep" / "partials", step)
                run = faults.prep("unit", step, "--plan", plan, "--unit", f"0..{units}")
                verdict.check(run.code == 0, f"round {number}, {step}: {run.stderr}")
            commit = start("commit", "--plan", plan)
            time.sleep(source.uniform(0, 0.3))
            commits += commit.poll() is None
            commit.kill()
            commit.communicate()
            run = faults.prep("commit", "--plan", plan)
            verdict.check(run.code == 0, f"round {number}, commit: {run.stderr}")
            verdict.check(faults.tree(work / "out") == wanted, f"round {number}: other bytes")
            names = sorted(path.name for path in work.iterdir())
            verdict.check(names == ["in", "out", "plan.json"], f"round {number}: left behind: {names}")
    faults.record(options, verdict, [
        f"{options.rounds} rounds of a job of {units} units: {killed} processes killed in the middle of units, {commits} in the",
        f"middle of a commit; {spoiled} files of results damaged, cut, removed or exchanged. Each time the bytes of an",
        "undisturbed `prep stream`, and nothing left behind.",
    ])
    return verdict.finish()


if __name__ == "__main__":
    sys.exit(main())
