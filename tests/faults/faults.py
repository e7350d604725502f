"""What every fault script shares: the binary, inputs, judgements, and the record of results.

Standard library only. A script injects one kind of fault into real runs of `prep` and judges what is
left behind; with `--write FILE` it records command, commit, date and figures in its own marked section
of that file. By hand, for example:

    cargo build --release
    python3 tests/faults/kill.py --rounds 500 --write docs/reliability.md
"""

import argparse
import contextlib
import datetime
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

PROJECT = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = PROJECT / "fixtures"
PANIC_WORDS = ("panicked", "RUST_BACKTRACE", "internal error", "stack overflow", "memory allocation of")
VALID_CODES = {0, 1, 2, 3, 4, 5, 6, 7}


def binary():
    named = os.environ.get("PREP_BIN")
    built = [PROJECT / "target" / profile / "prep" for profile in ("release", "debug")]
    for path in [pathlib.Path(named)] if named else built:
        if path.exists():
            return str(path)
    raise SystemExit("no prep binary: build it, or set PREP_BIN")


ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("PREP_")}


class Run:
    """How one process ended."""

    def __init__(self, command, code, stderr, seconds):
        self.command, self.code, self.stderr, self.seconds = command, code, stderr, seconds

    def complaint(self, needs_message=True):
        """What is wrong with how it ended, or None: a known code, one message, no panic."""
        if any(word in self.stderr for word in PANIC_WORDS):
            return f"panic: {self.stderr[:500]!r}"
        if self.code not in VALID_CODES:
            return f"exit code {self.code}: {self.stderr[:500]!r}"
        messages = self.stderr.count("prep: error: ")
        if self.code and needs_message and messages != 1:
            return f"exit code {self.code} with {messages} messages: {self.stderr[:500]!r}"
        return None


def prep(*arguments, wrapper=(), timeout=300, **options):
    """Runs prep to its end."""
    command = [*wrapper, binary(), *map(str, arguments)]
    started = time.monotonic()
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=ENVIRONMENT, timeout=timeout, **options)
    except subprocess.TimeoutExpired:
        return Run(command, "timeout", "", time.monotonic() - started)
    return Run(command, done.returncode, done.stderr.decode(errors="replace"), time.monotonic() - started)


def must(*arguments, **options):
    """Runs prep, which must succeed."""
    run = prep(*arguments, **options)
    if run.code != 0:
        raise SystemExit(f"{run.command} ended with {run.code}\n{run.stderr}")
    return run


def tree(root):
    """Bytes of every file below `root`; None if it isn't there. What may differ between runs is left out."""
    root = pathlib.Path(root)
    if not root.exists():
        return None
    left_out = {"run.json", "report.html", "report.json"}
    files = (path for path in sorted(root.rglob("*")) if path.is_file() and path.name not in left_out)
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def numbers_csv(path, rows, seed):
    """A CSV file of numbers, gaps and text."""
    source = random.Random(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as out:
        out.write("id,price,weight,count,name\n")
        for row in range(rows):
            weight = "" if row % 11 == 0 else f"{source.gauss(0, 1):.9f}"
            out.write(f"{row},{source.gauss(1e6, 3):.6f},{weight},{source.randrange(1000)},name {row % 97}\n")


def numbers_parquet(folder, rows, files, seed):
    """Parquet files, made by prep itself from CSV; the first file's name is `part-0.parquet`."""
    folder.mkdir(parents=True)
    with scratch() as work:
        for index in range(files):
            numbers_csv(work / "in" / f"{index}.csv", rows, seed + index)
            out = work / f"out{index}"
            must("stream", "--in", work / "in" / f"{index}.csv", "--out", out, "--test-size", "0", "--dtype", "float64")
            shard, = (out / "train").iterdir()
            shutil.move(shard, folder / f"part-{index}.parquet")


@contextlib.contextmanager
def scratch():
    """A directory of its own, removed afterwards."""
    base = os.environ.get("PREP_FAULTS_DIR")
    with tempfile.TemporaryDirectory(prefix="prep-faults-", dir=base) as folder:
        yield pathlib.Path(folder)


class Verdict:
    """Counts what was checked and keeps what was wrong."""

    def __init__(self, name):
        self.name, self.checked, self.wrong = name, 0, []

    def check(self, right, what):
        self.checked += 1
        if not right:
            self.wrong.append(what)
            print(f"{self.name}: WRONG: {what}", flush=True)

    def good(self, run, what, needs_message=True):
        """Checks that a run ended as a run may end."""
        complaint = run.complaint(needs_message)
        self.check(complaint is None, f"{what}: {complaint}")

    def finish(self):
        print(f"{self.name}: {self.checked} checks, {len(self.wrong)} wrong")
        return 1 if self.wrong or not self.checked else 0


def arguments(description, **counts):
    """Flags of a script: `--NAME N` for each count, and where to record the results."""
    parser = argparse.ArgumentParser(description=description)
    for name, default in counts.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=default, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument("--write", type=pathlib.Path, metavar="FILE")
    options = parser.parse_args()
    options.commit = commit()
    return options


def commit():
    """What the tree is at; asked when a script begins, since it may take an hour."""
    named = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(named, cwd=PROJECT, capture_output=True, text=True).stdout.strip()


HEADING = "## Injected faults"


def record(options, verdict, lines):
    """Writes a script's results into its own section of a file, below one heading."""
    path = options.write
    if path is None:
        return
    name = pathlib.Path(sys.argv[0]).name
    script = pathlib.Path(sys.argv[0]).resolve().relative_to(PROJECT)
    typed = " ".join(["python3", str(script), *sys.argv[1:]])
    date = datetime.date.today().isoformat()
    result = "nothing wrong" if not verdict.wrong else f"{len(verdict.wrong)} WRONG"
    body = [f"### `{name}`", "", *lines, "", f"{verdict.checked:,} checks, {result}. Run on {date} at commit "
            f"{options.commit} by `{typed}`."]
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    section = "\n".join([begin, *body, end])
    text = path.read_text() if path.exists() else "# Reliability\n"
    if begin in text:
        pattern = re.escape(begin) + ".*?" + re.escape(end)
        text = re.sub(pattern, lambda _: section, text, flags=re.S)
    elif HEADING in text:
        before, heading, after = text.partition(HEADING)
        # At the end of the heading's part: before the next heading of its rank.
        following = re.search(r"\n## ", after)
        cut = following.start() if following else len(after)
        text = before + heading + after[:cut].rstrip("\n") + f"\n\n{section}\n" + after[cut:]
    else:
        text = text.rstrip("\n") + f"\n\n{HEADING}\n\nWritten by the scripts in `tests/faults/`.\n\n{section}\n"
    path.write_text(text)
