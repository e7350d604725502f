"""A fault at every system call of a small run that touches its files.

strace kills the process at the call, asks it to stop there (SIGINT), or makes the call fail: once, or
every time from then on. After each: a known exit code with one message, no panic, the older output as it was or the new one complete;
the rerun ends with the bytes of an undisturbed run, and nothing but them is left.
"""

import collections
import concurrent.futures
import re
import shutil
import subprocess
import sys

import faults

CALLS = ("write", "pwrite64", "writev", "rename", "renameat", "renameat2", "fsync", "fdatasync", "openat", "mkdir",
         "mkdirat", "unlink", "unlinkat", "rmdir", "fallocate", "ftruncate", "copy_file_range", "link", "linkat")
READING = ("read", "pread64", "getdents64")
OPENING = {"openat"}
STOPPED = 130
NAMING = {"openat", "mkdir", "mkdirat", "rename", "renameat", "renameat2", "unlink", "unlinkat", "rmdir"}


def faults_of(call, number):
    """strace's words for every fault of one call."""
    yield f"{call}:signal=KILL:when={number}"
    yield f"{call}:signal=INT:when={number}"
    errors = ["EIO"] if call in READING else ["EIO", "ENOSPC"]
    errors += ["EMFILE"] if call in OPENING else []
    errors += ["EACCES"] if call in NAMING else []
    for error in errors:
        yield f"{call}:error={error}:when={number}"
        yield f"{call}:error={error}:when={number}+"


def traced(job, root):
    """Each call of an undisturbed run that names something below `root`, input or output, with its number.

    strace counts each call by thread; the run works in its first thread alone.
    """
    log = root / "trace"
    faults.must(*job, wrapper=["strace", "-f", "-y", "-qq", "-o", str(log), "-e", f"trace={','.join(CALLS + READING)}"])
    counts, found = collections.Counter(), []
    first = None
    for line in log.read_text(errors="replace").splitlines():
        matched = re.match(r"(\d+) +(\w+)\((.*)", line)
        if not matched:
            continue
        thread, call, rest = matched.groups()
        first = first or thread
        if thread == first:
            counts[call] += 1
            if f"{root}/" in rest:
                found.append((call, counts[call]))
    log.unlink()
    return found


class Bench:
    """A directory to run in, once for each worker."""

    def __init__(self, root, inputs, old, new):
        self.root, self.inputs, self.old, self.new = root, inputs, old, new

    def job(self, work, replaces):
        job = ["stream", "--in", self.inputs, "--out", work / "out", "--threads", "1", "--quiet"]
        return [*job, *(["--overwrite"] if replaces else [])]

    def prepare(self, work, replaces):
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        if replaces:
            shutil.copytree(self.root / "old", work / "out")

    def targets(self, replaces):
        work = self.root / "trace-work"
        self.prepare(work, replaces)
        return traced(self.job(work, replaces), self.root)

    def inject(self, number, fault, replaces):
        """Runs one fault; returns what is wrong, as a list."""
        work = self.root / f"work-{number}"
        self.prepare(work, replaces)
        job = self.job(work, replaces)
        run = faults.prep(*job, wrapper=["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"inject={fault}"], timeout=120)
        wrong = []
        is_kill, is_stop = "signal=KILL" in fault, "signal=INT" in fault
        # What fails from some write on can't tell anybody.
        is_mute = fault.startswith("write:") and fault.endswith("+")
        complaint = None if is_kill else run.complaint(needs_message=not is_mute)
        if is_stop and run.code == STOPPED:
            complaint = None if run.stderr.count("prep: error: ") == 1 else f"no message: {run.stderr!r}"
        elif is_stop and run.code != 0:
            complaint = f"stopped with exit code {run.code}: {run.stderr!r}"
        if complaint:
            wrong.append(complaint)
        before = self.old if replaces else None
        left = faults.tree(work / "out")
        allowed = [before, self.new] if is_kill or run.code != 0 else [self.new]
        # A stop before the rename leaves the output alone; one after it is too late, and the run is done.
        allowed = [before] if run.code == STOPPED else allowed
        if left not in allowed:
            wrong.append(f"after exit code {run.code} the output is neither old nor new")
        was_done = left == self.new and not replaces and not (work / ".out.prep").exists()
        rerun = faults.prep(*job)
        if rerun.code != 0 and not (was_done and rerun.code == 4):
            wrong.append(f"the rerun ended with {rerun.code}: {rerun.stderr}")
        if faults.tree(work / "out") != self.new:
            wrong.append("other bytes after the rerun")
        names = sorted(path.name for path in work.iterdir())
        if names != ["out"]:
            wrong.append(f"left behind: {names}")
        shutil.rmtree(work)
        return [f"{fault} ({'replacing' if replaces else 'new'}): {what}" for what in wrong]


def main():
    options = faults.arguments(__doc__, every=1)
    if shutil.which("strace") is None:
        raise SystemExit("syscalls.py: strace is not installed")
    if subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True).returncode:
        print("syscalls.py: skipped: tracing is not permitted here")
        return 0
    verdict = faults.Verdict("syscalls.py")
    with faults.scratch() as root:
        root = root.resolve()
        faults.numbers_csv(root / "in" / "a.csv", 300, 1)
        faults.must("stream", "--in", root / "in", "--out", root / "old", "--seed", "1")
        faults.must("stream", "--in", root / "in", "--out", root / "new")
        bench = Bench(root, root / "in", faults.tree(root / "old"), faults.tree(root / "new"))
        jobs, calls = [], 0
        for replaces in (False, True):
            targets = bench.targets(replaces)
            calls += len(targets)
            for call, number in targets[options.seed % options.every::options.every]:
                jobs += [(fault, replaces) for fault in faults_of(call, number)]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            done = pool.map(lambda job: bench.inject(job[0], *job[1]), enumerate(jobs))
            for wrong in done:
                verdict.check(not wrong, "; ".join(wrong))
    part = "every" if options.every == 1 else f"every {options.every}th"
    faults.record(options, verdict, [
        f"A small run makes {calls} calls that read, write, rename, sync, open, make or remove its files, half of them",
        f"when it replaces an older output. At {part} one: killed by signal 9, stopped by SIGINT, or the call made to",
        "fail with EIO, ENOSPC, EMFILE (opening) or EACCES (what has a name), once and from then on. After each: a",
        "known exit code with one message, no panic, the older output or the complete new one (after a stop with",
        "code 130 always the older); the rerun ended with the bytes of an undisturbed run, and nothing else was left.",
    ])
    return verdict.finish()


if __name__ == "__main__":
    sys.exit(main())
