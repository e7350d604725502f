"""kill -9 at random moments of a run.

After each: no output, the old one, or the complete new one; the rerun ends with the bytes of an
undisturbed run, and nothing but them is left.
"""

import random
import signal
import subprocess
import sys
import time

import faults


def killed_after(command, seconds):
    """Runs a command that is killed after so many seconds, if it isn't over before."""
    process = subprocess.Popen([faults.binary(), *map(str, command)], env=faults.ENVIRONMENT, stderr=subprocess.DEVNULL)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()


def copy(source, target):
    subprocess.run(["rm", "-rf", target], check=True)
    subprocess.run(["cp", "-rp", source, target], check=True)


def updates(verdict, source, work, rounds, rows):
    """The same of `--update`: a file came since the output was made. What was found, how often."""
    grown, late = work / "grown", work / "late.csv"
    faults.numbers_csv(grown / "b.csv", rows // 2, 3)
    faults.numbers_csv(late, rows // 2, 4)
    job = ["stream", "--in", grown, "--threads", "2", "--quiet", "--out", work / "out", "--update"]
    faults.must(*job)
    copy(work / "out", work / "old")
    old = faults.tree(work / "out")
    late.rename(grown / "a.csv")
    undisturbed = faults.must(*job)
    new = faults.tree(work / "out")
    states = {"the old output": 0, "the new output": 0}
    for number in range(rounds):
        copy(work / "old", work / "out")
        killed_after(job, source.uniform(0, undisturbed.seconds * 1.05))
        left = faults.tree(work / "out")
        state = "the new output" if left == new else "the old output" if left == old else "neither"
        states[state] = states.get(state, 0) + 1
        what = f"update {number}"
        verdict.check(state != "neither", f"{what}: an output that is neither old nor new")
        rerun = faults.prep(*job)
        verdict.check(rerun.code == 0, f"{what}: the rerun ended with {rerun.code}: {rerun.stderr}")
        verdict.check(faults.tree(work / "out") == new, f"{what}: other bytes after the rerun")
        verified = faults.prep("verify", work / "out", "--in", grown)
        verdict.check(verified.code == 0, f"{what}: verify says {verified.code}: {verified.stderr}")
        verdict.check(not (work / ".out.prep").exists(), f"{what}: the staging directory is left")
    subprocess.run(["rm", "-rf", work / "out", work / "old", grown], check=True)
    return undisturbed, states


def main():
    options = faults.arguments(__doc__, rounds=500, rows=600_000)
    source = random.Random(options.seed)
    verdict = faults.Verdict("kill.py")
    with faults.scratch() as work:
        faults.numbers_csv(work / "in" / "a.csv", options.rows * 3 // 4, 1)
        faults.numbers_csv(work / "in" / "b.csv", options.rows // 4, 2)
        job = ["stream", "--in", work / "in", "--threads", "2", "--quiet", "--out", work / "out"]
        undisturbed = faults.must(*job)
        new = faults.tree(work / "out")
        subprocess.run(["rm", "-r", work / "out"], check=True)
        faults.must(*job, "--seed", "1")
        (work / "out").rename(work / "old")
        old = faults.tree(work / "old")
        states = {"nothing": 0, "the old output": 0, "the new output": 0}
        for number in range(options.rounds):
            replaces = number % 2 == 1
            if replaces:
                subprocess.run(["cp", "-r", work / "old", work / "out"], check=True)
            same = [*job, *(["--overwrite"] if replaces else [])]
            killed_after(same, source.uniform(0, undisturbed.seconds * 1.05))
            left = faults.tree(work / "out")
            state = {True: "the new output", False: "neither"}[left == new]
            if left is None and not replaces:
                state = "nothing"
            elif left == old and replaces:
                state = "the old output"
            states[state] = states.get(state, 0) + 1
            verdict.check(state != "neither", f"round {number}: an output that is neither old nor new")
            if left is not None:
                verified = faults.prep("verify", work / "out")
                verdict.check(verified.code == 0, f"round {number}: verify says {verified.code}")
            # Killed after its last step, a run without --overwrite was done: again is a refusal.
            was_done = left == new and not replaces and not (work / ".out.prep").exists()
            rerun = faults.prep(*same)
            right = rerun.code == 0 or (was_done and rerun.code == 4)
            verdict.check(right, f"round {number}: the rerun ended with {rerun.code}: {rerun.stderr}")
            verdict.check(faults.tree(work / "out") == new, f"round {number}: other bytes after the rerun")
            names = sorted(path.name for path in work.iterdir())
            verdict.check(names == ["in", "old", "out"], f"round {number}: left behind: {names}")
            subprocess.run(["rm", "-rf", work / "out", work / ".out.prep"], check=True)
        subprocess.run(["rm", "-rf", work / "old"], check=True)
        update, updated = updates(verdict, source, work, options.rounds // 5, options.rows)
    found = ", ".join(f"{state} {count} times" for state, count in states.items())
    faults.record(options, verdict, [
        f"`kill -9` at {options.rounds} random moments of a run of {undisturbed.seconds:.1f} s, every second one",
        f"replacing an older output. Found afterwards: {found}. Each time the same command was run again:",
        "it ended with the bytes of an undisturbed run, and nothing else was left.",
        "",
        f"Likewise at {options.rounds // 5} moments of a run with `--update` of {update.seconds:.1f} s that adds a file: found",
        f"{', '.join(f'{state} {count} times' for state, count in updated.items())}; then the bytes of an undisturbed update,",
        "proven by `prep verify --in`.",
    ])
    return verdict.finish()


if __name__ == "__main__":
    sys.exit(main())
