"""Several runs on one output at once, and inputs that change during a run.

Of concurrent runs at least one succeeds, the others are refused, and the output is that of one run. A
run whose input was truncated, replaced, appended to or deleted ends in an error and commits nothing, or
was done before and has the bytes of the old input.
"""

import os
import random
import shutil
import subprocess
import sys
import time

import faults


def together(verdict, work, job, new, count, number):
    """Starts `count` runs at once."""
    command = [faults.binary(), *map(str, job)]
    processes = [subprocess.Popen(command, env=faults.ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                  text=True) for _ in range(count)]
    runs = [faults.Run(command, process.wait(), process.stderr.read(), 0) for process in processes]
    what = f"{count} runs, round {number}"
    codes = sorted(run.code for run in runs)
    for run in runs:
        verdict.good(run, what)
        # 4: begun when another had finished, so the output was there already.
        verdict.check(run.code in {0, 4, 5}, f"{what}: exit code {run.code}: {run.stderr}")
        if run.code == 5:
            verdict.check("pid" in run.stderr and "host" in run.stderr, f"{what}: no owner named: {run.stderr}")
    verdict.check(0 in codes, f"{what}: none succeeded: {codes}")
    verdict.check(faults.tree(work / "out") == new, f"{what}: other bytes")
    names = sorted(path.name for path in work.iterdir())
    verdict.check(names == ["in", "out"], f"{what}: left behind: {names}")
    shutil.rmtree(work / "out")
    return codes


def truncate(path, other):
    os.truncate(path, path.stat().st_size // 2)


def replace(path, other):
    shutil.copy(other, path.with_name(".new"))
    path.with_name(".new").rename(path)


def append(path, other):
    with open(path, "ab") as out:
        out.write(other.read_bytes()[-3000:])


def delete(path, other):
    path.unlink()


CHANGES = (truncate, replace, append, delete)


def change(verdict, kind, make, count, source):
    """Changes one input at random moments of a run; how often it was noticed."""
    noticed = dict.fromkeys((change.__name__ for change in CHANGES), 0)
    with faults.scratch() as work:
        make(work / "good")
        make(work / "other")
        victim = sorted((work / "good").iterdir())[-1]
        other = sorted((work / "other").iterdir())[0]
        job = ["stream", "--in", work / "in", "--out", work / "out", "--threads", "1", "--quiet"]
        shutil.copytree(work / "good", work / "in")
        undisturbed = faults.must(*job)
        new = faults.tree(work / "out")
        for changed in CHANGES:
            for number in range(count):
                for name in ("in", "out", ".out.prep"):
                    shutil.rmtree(work / name, ignore_errors=True)
                shutil.copytree(work / "good", work / "in")
                command = [faults.binary(), *map(str, job)]
                process = subprocess.Popen(command, env=faults.ENVIRONMENT, stderr=subprocess.PIPE, text=True)
                # A change before the run has looked at its inputs is none.
                while process.poll() is None and not (work / ".out.prep" / "job.json").exists():
                    time.sleep(0.001)
                time.sleep(source.uniform(0, 0.9) * undisturbed.seconds)
                changed(work / "in" / victim.name, other)
                run = faults.Run(command, process.wait(), process.stderr.read(), 0)
                what = f"{kind}, {changed.__name__}, round {number}"
                verdict.good(run, what)
                verdict.check(run.code in {0, 3}, f"{what}: exit code {run.code}: {run.stderr}")
                left = faults.tree(work / "out")
                expected = new if run.code == 0 else None
                verdict.check(left == expected, f"{what}: exit code {run.code} with an output of other bytes")
                noticed[changed.__name__] += run.code == 3
                if run.code == 3:
                    verdict.check(victim.name in run.stderr, f"{what}: the file is not named: {run.stderr}")
    return noticed


def main():
    options = faults.arguments(__doc__, rounds=50, changes=20)
    source = random.Random(options.seed)
    verdict = faults.Verdict("concurrent_runs.py")
    ended = {}
    with faults.scratch() as work:
        faults.numbers_csv(work / "in" / "a.csv", 30_000, 1)
        job = ["stream", "--in", work / "in", "--out", work / "out", "--threads", "1", "--quiet"]
        faults.must(*job)
        new = faults.tree(work / "out")
        shutil.rmtree(work / "out")
        for number in range(options.rounds):
            for count in (2, 8):
                for code in together(verdict, work, job, new, count, number):
                    ended[code] = ended.get(code, 0) + 1

    def text(folder):
        seed = source.randrange(1000)
        faults.numbers_csv(folder / "a.csv", 100_000, seed)
        faults.numbers_csv(folder / "b.csv", 100_000, seed + 1)

    def parquet(folder):
        faults.numbers_parquet(folder, 300_000, 2, source.randrange(1000))

    lines = []
    for kind, make in (("text", text), ("Parquet", parquet)):
        noticed = change(verdict, kind, make, options.changes, source)
        found = ", ".join(f"{name} {count}" for name, count in noticed.items())
        lines.append(f"{kind} inputs changed {options.changes} times each way at random moments, noticed: {found};")
    codes = ", ".join(f"code {code} {count} times" for code, count in sorted(ended.items()))
    faults.record(options, verdict, [
        f"{options.rounds} rounds of 2 and of 8 runs on one output at once: {codes}; each time one output, that of",
        "an undisturbed run.", "", *lines,
        "the others were done before the change, with the bytes of the old input.",
    ])
    return verdict.finish()


if __name__ == "__main__":
    sys.exit(main())
