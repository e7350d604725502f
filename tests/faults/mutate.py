"""Damaged inputs: seeded mutations of good Parquet and text files, and hostile files of other projects.

Each alone and beside its undamaged original, under a limit of 1 GiB of data. Never a panic, a signal or
10 s of processor; an error is one message that names a file below the input, and commits nothing. What
must be an error, is one.
"""

import concurrent.futures
import json
import os
import pathlib
import random
import resource
import shutil
import sys
import time

import faults

DATA_BYTES_MAX = 1 << 30
SECONDS_MAX = 10
GOOD_BYTES_MAX = 300_000
INTERESTING = [0, 1, 0x7F, 0x80, 0xFF, 0x22, 0x2C, 0x0A, 0x0D, 0xFE]


def good_files(folder):
    """Files to damage: the repository's, those of the corpora, and shards in every codec."""
    files = [path for path in faults.FIXTURES.rglob("*") if path.suffix in {".parquet", ".csv", ".gz", ".zst"}]
    corpora = os.environ.get("PREP_CORPORA")
    if corpora:
        root = pathlib.Path(corpora)
        files += (root / "parquet" / "good").glob("*.parquet")
        files += (root / "csv" / "files").iterdir()
    faults.numbers_csv(folder / "in.csv", 2000, 1)
    for codec in ("none", "snappy", "lz4", "gzip", "brotli", "zstd"):
        out = folder / codec
        faults.must("stream", "--in", folder / "in.csv", "--out", out, "--compression", codec, "--test-size", "0")
        shard, = (out / "train").iterdir()
        files.append(shard.rename(folder / f"{codec}.parquet"))
    small = [path for path in files if 0 < path.stat().st_size <= GOOD_BYTES_MAX]
    return sorted(small, key=lambda path: (path.suffix, path.name))


def mutated(data, source):
    """One to four damages."""
    data = bytearray(data)
    is_parquet = data[:4] == b"PAR1"
    for _ in range(source.choice([1, 1, 1, 2, 4])):
        if not data:
            break
        size = len(data)
        at = source.randrange(size)
        # Footers, headers and first pages are where sizes stand.
        if is_parquet and source.random() < 0.6:
            footer = int.from_bytes(data[-8:-4], "little") if size > 12 else size
            low = max(0, size - 8 - min(footer, size))
            at = source.choice([source.randrange(low, size), source.randrange(min(size, 64))])
        kind = source.randrange(9)
        if kind == 0:
            data[at] ^= 1 << source.randrange(8)
        elif kind == 1:
            data[at] = source.choice(INTERESTING)
        elif kind == 2:
            data[at] = source.randrange(256)
        elif kind == 3:
            del data[at:at + source.choice([1, 2, 8, 100, size])]
        elif kind == 4:
            data[at:at] = bytes(source.randrange(256) for _ in range(source.choice([1, 4, 40])))
        elif kind == 5:
            data[at:at] = data[at:at + source.choice([1, 16, 4000])]
        elif kind == 6:
            # A varint that says billions.
            data[at:at + 5] = bytes([0xFF, 0xFF, 0xFF, 0xFF, source.choice([0x07, 0x0F, 0x7F])])
        elif kind == 7:
            other = source.randrange(size)
            length = source.choice([4, 32, 512])
            data[at:at + length] = data[other:other + length]
        else:
            del data[at:]
    return bytes(data)


def limit():
    resource.setrlimit(resource.RLIMIT_DATA, (DATA_BYTES_MAX, DATA_BYTES_MAX))
    # A signal ends what takes longer; the wall clock would measure what else the machine does.
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS_MAX, SECONDS_MAX))


def attempt(work, name, data, beside):
    """Runs one file; returns (complaint or None, whether it ended in an error)."""
    shutil.rmtree(work, ignore_errors=True)
    (work / "in").mkdir(parents=True)
    (work / "in" / name).write_bytes(data)
    if beside is not None:
        (work / "in" / f"0 good{''.join(pathlib.Path(name).suffixes)}").write_bytes(beside)
    command = ["stream", "--in", work / "in", "--out", work / "out", "--quiet", "--memory", "512MiB", "--threads", "2",
               "--on-inf", "null"]
    run = faults.prep(*command, preexec_fn=limit, timeout=120)
    complaint = run.complaint()
    if complaint is None and run.code != 0:
        # An empty file is passed over, and with no other there is none to name.
        is_named = str(work / "in") in run.stderr or "no input files found" in run.stderr
        if not is_named and run.code == 3:
            complaint = f"no file is named: {run.stderr!r}"
        elif (work / "out").exists():
            complaint = "an error, and an output"
    elif complaint is None and not (work / "out" / "_SUCCESS").exists():
        complaint = "success without an output"
    return complaint, run


def main():
    options = faults.arguments(__doc__, mutations=10_000, first=0, minutes=0)
    begun = time.monotonic()
    verdict = faults.Verdict("mutate.py")
    outcomes = {}
    kept = os.environ.get("PREP_FAULTS_KEEP")

    def judge(label, name, data, run, complaint):
        outcomes[run.code] = outcomes.get(run.code, 0) + 1
        verdict.check(complaint is None, f"{label}: {complaint}")
        if complaint and kept:
            (pathlib.Path(kept) / f"{verdict.checked}-{name}").write_bytes(data)

    with faults.scratch() as root:
        good = [(path.name, path.read_bytes()) for path in good_files(root)]

        def work(number):
            source = random.Random(options.seed * 1_000_003 + number)
            name, original = good[number % len(good)]
            data = mutated(original, source)
            for beside in (None, original):
                complaint, run = attempt(root / f"work-{number}", name, data, beside)
                yield f"mutation {number} of {name}{' beside it' if beside else ''}", name, data, run, complaint
            shutil.rmtree(root / f"work-{number}", ignore_errors=True)

        hostile = corpora(root, judge, verdict)
        done = options.first
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            while done < options.first + options.mutations:
                if options.minutes and time.monotonic() - begun > 60 * options.minutes:
                    break
                part = range(done, min(done + 100, options.first + options.mutations))
                for results in pool.map(lambda number: list(work(number)), part):
                    for result in results:
                        judge(*result)
                done = part.stop
    ended = ", ".join(f"code {code}: {count:,}" for code, count in sorted(outcomes.items(), key=str))
    faults.record(options, verdict, [
        f"{done - options.first:,} seeded mutations, numbers {options.first:,} to {done - 1:,}, of {len(good)} good files",
        f"(Parquet in six codecs, CSV, TSV, gzip, zstd) and {hostile} hostile files of other projects, each alone and",
        f"beside an undamaged one, under `RLIMIT_DATA` of 1 GiB: no panic, no signal, nothing over {SECONDS_MAX} s of",
        "processor, every must-error file an error.",
        f"Exit codes: {ended}.",
    ])
    return verdict.finish()


def corpora(root, judge, verdict):
    """The hostile files of PREP_CORPORA; how many."""
    folder = os.environ.get("PREP_CORPORA")
    if not folder:
        print("mutate.py: corpora skipped: PREP_CORPORA is unset")
        return 0
    folder = pathlib.Path(folder)
    bad = json.loads((folder / "parquet" / "bad" / "expected.json").read_text())
    must_error = {case["file"] for case in bad if case["expect"] == "must-error"}
    files = [folder / "parquet" / "bad" / case["file"] for case in bad]
    files += sorted(path for path in (folder / "csv" / "fuzz").iterdir() if path.suffix != ".json")
    for path in files:
        data = path.read_bytes()
        for beside in (None, data):
            complaint, run = attempt(root / "corpus", path.name, data, beside)
            label = f"{path.name}{' twice' if beside else ''}"
            judge(label, path.name, data, run, complaint)
            if path.name in must_error:
                verdict.check(run.code != 0, f"{label}: success, it must be an error")
    return len(files)


if __name__ == "__main__":
    sys.exit(main())
