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
            command = [faults.binary(), *map(str, same)]
            process = subprocess.Popen(command, env=faults.ENVIRONMENT, stderr=subprocess.DEVNULL)
            time.sleep(source.uniform(0, undisturbed.seconds * 1.05))
            process.send_signal(signal.SIGKILL)
            process.wait()
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
    found = ", ".join(f"{state} {count} times" for state, count in states.items())
    faults.record(options, verdict, [
        f"`kill -9` at {options.rounds} random moments of a run of {undisturbed.seconds:.1f} s, every second one",
        f"replacing an older output. Found afterwards: {found}. Each time the same command was run again:",
        "it ended with the bytes of an undisturbed run, and nothing else was left.",
    ])
    return verdict.finish()


if __name__ == "__main__":
    sys.exit(main())
