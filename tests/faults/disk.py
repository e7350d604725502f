"""A small filesystem that is really full, at several shares of what a run needs.

After each: exit code 4 with one message, nothing committed, the older output as it was; with room made,
the same command ends with the bytes of an undisturbed run.
"""

import os
import subprocess
import sys
import threading

import faults

SHARES = (10, 50, 90, 99)


def mount(folder, size):
    folder.mkdir(exist_ok=True)
    return subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True)


def used(folder):
    found = os.statvfs(folder)
    return (found.f_blocks - found.f_bfree) * found.f_frsize


def peak(folder, job):
    """The most that the filesystem held during a run."""
    highest, done = [used(folder)], threading.Event()

    def watch():
        while not done.is_set():
            highest.append(max(highest.pop(), used(folder)))
            done.wait(0.0005)

    thread = threading.Thread(target=watch)
    thread.start()
    faults.must(*job)
    done.set()
    thread.join()
    return highest[0]


def main():
    options = faults.arguments(__doc__, rows=400_000)
    verdict = faults.Verdict("disk.py")
    lines = []
    with faults.scratch() as work:
        disk = work / "disk"
        first = mount(disk, "1g")
        if first.returncode:
            print(f"disk.py: skipped: mounting is not permitted here: {first.stderr.decode().strip()}")
            return 0
        try:
            for kind in ("text", "Parquet"):
                inputs = work / kind
                if kind == "text":
                    faults.numbers_csv(inputs / "a.csv", options.rows, 1)
                else:
                    faults.numbers_parquet(inputs, options.rows // 2, 2, 1)
                lines += measure(verdict, kind, inputs, disk)
        finally:
            subprocess.run(["umount", str(disk)], check=True)
    faults.record(options, verdict, [
        "A tmpfs with room for a share of what the run takes at its peak, new and beside an older output.",
        "",
        "| input | share of the need | ended with |", "|---|---|---|", *lines, "",
        "After each failure nothing was committed and the older output was as before; with room made, the same",
        "command ended with the bytes of an undisturbed run.",
    ])
    return verdict.finish()


def resize(disk, size):
    subprocess.run(["mount", "-o", f"remount,size={size}", str(disk)], check=True)


def measure(verdict, kind, inputs, disk):
    """All shares for one input, new and replacing."""
    lines = []
    job = ["stream", "--in", inputs, "--out", disk / "out", "--quiet", "--threads", "2"]
    for replaces in (False, True):
        resize(disk, "1g")
        old = None
        if replaces:
            faults.must(*job, "--test-size", "0.5")
            old = faults.tree(disk / "out")
        base = used(disk)
        more = [*job, *(["--overwrite"] if replaces else [])]
        need = peak(disk, more) - base
        new = faults.tree(disk / "out")
        for share in SHARES:
            subprocess.run(["rm", "-rf", disk / "out", disk / ".out.prep"], check=True)
            resize(disk, "1g")
            if replaces:
                faults.must(*job, "--test-size", "0.5")
            resize(disk, base + need * share // 100)
            what = f"{kind}, {share} %, {'replacing' if replaces else 'new'}"
            run = faults.prep(*more)
            verdict.good(run, what)
            left = faults.tree(disk / "out")
            # Sampling may have seen less than the peak, so that the last share is enough.
            if run.code == 0 and share == 99:
                verdict.check(left == new, f"{what}: success with other bytes")
            else:
                verdict.check(run.code == 4, f"{what}: exit code {run.code}")
                verdict.check(left == old, f"{what}: the older output changed")
                is_named = "No space left" in run.stderr or "bytes" in run.stderr
                verdict.check(is_named, f"{what}: it does not name the disk: {run.stderr}")
            message = run.stderr.splitlines()[0].removeprefix("prep: error: ") if run.stderr else "done"
            lines.append(f"| {kind}, {'replacing' if replaces else 'new'} | {share} % | {run.code}: {message} |")
            resize(disk, "1g")
            rerun = faults.prep(*job, "--overwrite")
            verdict.check(rerun.code == 0, f"{what}: the rerun ended with {rerun.code}: {rerun.stderr}")
            verdict.check(faults.tree(disk / "out") == new, f"{what}: other bytes after the rerun")
            names = sorted(path.name for path in disk.iterdir())
            verdict.check(names == ["out"], f"{what}: left behind: {names}")
        subprocess.run(["rm", "-rf", disk / "out", disk / ".out.prep"], check=True)
    return lines


if __name__ == "__main__":
    sys.exit(main())
