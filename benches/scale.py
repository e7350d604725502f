"""What a job of a million units over a thousand processes takes, from what was measured here.

    cargo build --release
    python benches/scale.py --data-dir /somewhere/with/10GB --write docs/scale.md

Three kinds of figures, kept apart in what is written:

- Small files: 2,000 files of 1,000 rows, and what a process takes that does one unit of them, beside the pass
  itself. `--before BINARY` measures another version beside it.
- A million units, really planned: 1,000 names of one file of 1,000 row groups, each a unit. The units of one
  file are done by `prep unit`; their results, copied line by line with new numbers and checksums (the files
  are the same, so are the results), stand for those of the others. Merging them is real again.
- The simulation: processes that take ranges of units, each as long as the unit that was measured, times a
  spread; some fail and are done again. No network, no shared filesystem: what these add is said in
  operations and bytes, not in seconds.
"""

import argparse
import datetime
import heapq
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import time

PROJECT = pathlib.Path(__file__).parents[1]
PASSES = ("split", "fit", "write")
UNITS_A_FILE = FILES = RANGE = 1_000
UNITS = UNITS_A_FILE * FILES
WORKERS = 1_000
# A unit of the simulated job: 100 TB in a million units.
UNIT_BYTES = 100e12 / UNITS
ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("PREP_")}


class Cost:
    """What one process took: seconds, CPU seconds, peak MiB, and seconds of each pass by its own account."""

    def __init__(self, command):
        read, write = os.pipe()
        started = time.monotonic()
        process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=write)
        os.close(write)
        with os.fdopen(read) as log:
            lines = log.read().splitlines()
        _, status, usage = os.wait4(process.pid, 0)
        self.seconds = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{command} ended with {process.returncode}\n" + "\n".join(lines[-3:]))
        self.cpu = usage.ru_utime + usage.ru_stime
        self.mib = usage.ru_maxrss / 1024
        events = [json.loads(line) for line in lines if line.startswith("{")]
        self.passes = {event["pass"]: event["seconds"] for event in events if event["event"] == "finished"}

    def beside(self, name):
        """Milliseconds that aren't those of the pass `name`."""
        return 1000 * (self.seconds - self.passes[name])


def in_child(function, *arguments):
    """Calls a function in a process of its own: what it loads would count as memory of each process started here."""
    child = os.fork()
    if child == 0:
        function(*arguments)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status:
        raise SystemExit(f"{function.__name__} failed")


def prep(binary, *arguments):
    return Cost([str(binary), *map(str, arguments), "--log-format", "json"])


def planned(binary, source, out):
    plan = out.with_suffix(".plan.json")
    cost = prep(binary, "plan", "--in", source, "--out", out, "--plan", plan)
    return plan, cost


def small_files(folder):
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True)
    source = np.random.default_rng(1)
    for number in range(2_000):
        columns = {f"x{index}": source.normal(1e3, 5, 1_000) for index in range(5)}
        pq.write_table(pa.table(columns), folder / f"{number:04}.parquet")


def many_units(folder):
    """One file of many row groups that each are a unit by their rows and take next to nothing; and its names."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True)
    first = folder / "0000.parquet"
    rows = (1 << 20) - 1
    table = pa.table({"x": pa.array(np.full(rows, 1.5))})
    with pq.ParquetWriter(first, table.schema, compression="zstd") as writer:
        for _ in range(UNITS_A_FILE):
            writer.write_table(table, row_group_size=rows)
    for number in range(1, FILES):
        os.link(first, folder / f"{number:04}.parquet")


def measure_small(options, lines):
    source = options.data_dir / "small"
    in_child(small_files, source)
    lines += ["## A process that does one of 2,000 small files' units", "",
              "`prep unit PASS --unit 7` in a job of 16 units of 128 files of 1,000 rows, the least of 15 runs: wall milliseconds "
              "beside the pass itself, and CPU milliseconds in all:", "",
              "| version | split | fit | write | CPU: split | fit | write | write again |", "|---|---|---|---|---|---|---|---|"]
    found = {}
    for name, binary in options.binaries:
        out = options.data_dir / f"out-{name}"
        plan, _ = planned(binary, source, out)
        row = []
        for step in PASSES:
            prep(binary, "unit", step, "--plan", plan, "--unit", "0..7")
            prep(binary, "unit", step, "--plan", plan, "--unit", "8..16")
            partials = out.parent / f".{out.name}.prep" / "partials"
            costs = []
            for _ in range(15):
                for left in partials.glob(f"{step}-0000007*"):
                    left.unlink()
                costs.append(prep(binary, "unit", step, "--plan", plan, "--unit", 7))
            row.append((min(cost.beside(step) for cost in costs), min(1000 * cost.cpu for cost in costs)))
        again = [prep(binary, "unit", "write", "--plan", plan, "--unit", 7) for _ in range(15)]
        beside, cpu = zip(*row)
        found[name] = [*beside, *cpu, min(1000 * cost.cpu for cost in again)]
        lines.append(f"| {name} | " + " | ".join(f"{value:.1f}" for value in found[name]) + " |")
    lines += ["", "\"Write again\" is a unit that is written already: its shards are read for their checksums, and nothing is done.", ""]
    return found


def copy_lines(partials, step, job):
    """For each other file the ledger of the first one, with its own numbers and checksums."""
    import xxhash

    first, = partials.glob(f"{step}-0000000-*.lines")
    lines = first.read_bytes().split(b"\n")[1:UNITS_A_FILE + 2]
    contents = [line[34:] for line in lines]
    prefix = f"{job}\n{step}\n".encode()
    for number in range(1, FILES):
        start = number * UNITS_A_FILE
        header = {"format": "prep ledger", "format_version": 1, "job": job, "kind": step, "first": start}
        position, offsets, out = 0, [], []

        def put(data):
            nonlocal position
            out.append(data)
            position += len(data)

        put(json.dumps(header, separators=(",", ":")).encode() + b"\n")
        for unit, content in enumerate(contents, start):
            content = content.replace(b'{"unit":%d,' % (unit - start), b'{"unit":%d,' % unit, 1)
            digest = xxhash.xxh3_128_hexdigest(prefix + unit.to_bytes(8, "little") + content)
            offsets.append(position)
            put(digest.encode() + b"  " + content + b"\n")
        for value in [*offsets, position, len(offsets)]:
            out.append(b"%016x\n" % value)
        name = f"{step}-{start:07}-{start + UNITS_A_FILE:07}.lines"
        (partials / name).write_bytes(b"".join(out))


def measure_many(options, lines):
    source, out = options.data_dir / "many", options.data_dir / "out-many"
    in_child(many_units, source)
    binary = options.binary
    plan, planning = planned(binary, source, out)
    asked = json.loads(plan.read_text())
    assert asked["units"] == UNITS, asked["units"]
    work = out.parent / f".{out.name}.prep"
    listed = (work / "units").stat().st_size
    lines += ["## A million units", "",
              f"1,000 names of one file of 1,000 row groups of {(1 << 20) - 1:,} rows each; ranges of {RANGE:,} units.", "",
              "| step | seconds | CPU seconds | peak MiB |", "|---|---|---|---|"]

    def row(what, cost):
        lines.append(f"| {what} | {cost.seconds:.2f} | {cost.cpu:.2f} | {cost.mib:.0f} |")
        return cost

    row("`prep plan --plan`", planning)
    partials = work / "partials"
    for step in ("split", "fit"):
        row(f"`unit {step} --unit 0..1000`", prep(binary, "unit", step, "--plan", plan, "--unit", "0..1000"))
        in_child(copy_lines, partials, step, asked["job"])
        after = "fit" if step == "split" else "write"
        total = partials / f"{step}-total.json"
        unit = UNITS // 2 + 7
        assert not total.exists()
        row(f"`unit {after} --unit {unit}`, the first: merges {step}", prep(binary, "unit", after, "--plan", plan, "--unit", unit))
        assert total.exists()
        row(f"`unit {after} --unit {unit + 1}`", prep(binary, "unit", after, "--plan", plan, "--unit", unit + 1))
    bytes_left = {step: sum(path.stat().st_size for path in partials.glob(f"{step}-*.lines")) for step in ("split", "fit")}
    lines += ["", f"- `plan.json`: {plan.stat().st_size:,} bytes, whatever the number of units: all that a driver has to read.",
              f"- List of units: {listed / 1e6:.0f} MB, {listed / UNITS:.0f} bytes a unit here (one file a unit); a process reads the lines of its own.",
              f"- Partials: {bytes_left['split'] / UNITS:.0f} bytes a unit of split, {bytes_left['fit'] / UNITS:,.0f} of fit "
              "(one feature; the digests of its pages are most of it), in 1,000 files a pass.", ""]
    shutil.rmtree(work)


def tiny_file(folder):
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir()
    # Units of 128 files are the smallest: their number is what counts here.
    pq.write_table(pa.table({"x": [1.0, 2.0, 3.0, 4.0]}), folder / "00000.parquet")


def measure_commit(options, lines):
    """Commits of whole jobs of small units: what each unit adds."""
    source = options.data_dir / "commit"
    in_child(tiny_file, source)
    sizes = []
    for files in (128 * 50, 128 * 200):
        for number in range(len(list(source.iterdir())), files):
            os.link(source / "00000.parquet", source / f"{number:05}.parquet")
        out = options.data_dir / f"out-commit-{files}"
        plan, _ = planned(options.binary, source, out)
        units = json.loads(plan.read_text())["units"]
        for step in PASSES:
            prep(options.binary, "unit", step, "--plan", plan, "--unit", f"0..{units}")
        cost = prep(options.binary, "commit", "--plan", plan)
        sizes.append((units, cost, (out / "manifest.json").stat().st_size))
    (few, less, small), (many, more, large) = sizes
    seconds = (more.cpu - less.cpu) / (many - few)
    manifest = (large - small) / (many - few)
    memory = max(more.mib - less.mib, 0) / (many - few)
    lines += [f"`prep commit`, jobs of {few} and {many} units of 128 files each: {1000 * seconds:.1f} CPU ms and {1024 * memory:.1f} KiB "
              f"of memory more a unit, {manifest:,.0f} bytes of `manifest.json` (mostly inputs).", ""]


def large_unit(folder, rows):
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir()
    source = np.random.default_rng(2)
    table = pa.table({f"x{index}": source.normal(1e3, 5, rows) for index in range(25)})
    pq.write_table(table, folder / "0.parquet", row_group_size=rows, use_dictionary=False)


def measure_unit(options, lines):
    """A unit like those of the simulated job, by a process with one thread; seconds of each pass a 100 MB."""
    source, rows = options.data_dir / "unit", 500_000
    in_child(large_unit, source, rows)
    bytes_read = (source / "0.parquet").stat().st_size
    out = options.data_dir / "out-unit"
    plan, _ = planned(options.binary, source, out)
    units = json.loads(plan.read_text())["units"]
    costs = {step: prep(options.binary, "unit", step, "--plan", plan, "--unit", f"0..{units}", "--threads", 1) for step in PASSES}
    commit = prep(options.binary, "commit", "--plan", plan)
    written = sum(path.stat().st_size for path in out.rglob("*.parquet"))
    scale = UNIT_BYTES / bytes_read
    lines += ["## One unit of 100 MB", "",
              f"{rows:,} rows of 25 float64 features, {bytes_read / 1e6:.0f} MB of Parquet, {written / 1e6:.0f} MB of shards; one thread; page cache. "
              f"Commit: {commit.seconds:.2f} s.", "",
              "| pass | seconds | CPU seconds | peak MiB |", "|---|---|---|---|"]
    lines += [f"| {step} | {cost.seconds:.2f} | {cost.cpu:.2f} | {cost.mib:.0f} |" for step, cost in costs.items()]
    lines.append("")
    return {step: cost.cpu * scale for step, cost in costs.items()}, written * scale


def makespan(unit_seconds, start_seconds, units_a_range, source):
    """Seconds until all ranges are done by all workers; how many were done again. A range fails one time in a
    thousand, half way; its units vary by a third, and one worker in fifty is three times as slow."""
    slow = [3.0 if source.random() < 0.02 else 1.0 for _ in range(WORKERS)]
    free = [(0.0, worker) for worker in range(WORKERS)]
    heapq.heapify(free)
    left, again, end = UNITS // units_a_range, 0, 0.0
    while left:
        now, worker = heapq.heappop(free)
        # The sum of many units varies by the root of their number.
        spread = max(0.2, source.gauss(1, 0.33 / units_a_range ** 0.5))
        seconds = start_seconds + slow[worker] * unit_seconds * units_a_range * spread
        if source.random() < 0.001:
            again += 1
            seconds /= 2
        else:
            left -= 1
        end = max(end, now + seconds)
        heapq.heappush(free, (now + seconds, worker))
    return end, again


def simulate(options, unit_seconds, shard_bytes, start_seconds, lines):
    ideal = {step: seconds * UNITS / WORKERS for step, seconds in unit_seconds.items()}
    lines += ["## Simulated: 100 TB, 1M units, 1,000 processes of one thread", "",
              "Hours for each pass, by the CPU seconds above; a range fails one time in a thousand, one worker in fifty is three times as slow.", "",
              "| units a range | split | fit | write | over the ideal | files of partials | ranges done again |", "|---|---|---|---|---|---|---|"]
    for size in (1, 10, 100, 1_000):
        source = random.Random(1)
        done = {step: makespan(seconds, start_seconds, size, source) for step, seconds in unit_seconds.items()}
        over = sum(end for end, _ in done.values()) / sum(ideal.values()) - 1
        hours = " | ".join(f"{end / 3600:.2f}" for end, _ in done.values())
        lines.append(f"| {size:,} | {hours} | {over:.1%} | {3 * UNITS // size:,} | {sum(again for _, again in done.values()):,} |")
    shards = shard_bytes * UNITS
    passes = sum(unit_seconds.values()) * UNITS / WORKERS
    lines += ["", "## What breaks first", "",
              f"1. `prep commit` reads every shard again for its checksum, in one process: {shards / 1e12:.0f} TB at 2 GB/s are "
              f"{shards / 2e9 / 3600:.0f} hours, against {passes / 3600:.1f} hours for all three passes by 1,000 processes. Beyond some ten "
              "TB this is the job, unless `--sizes-only` leaves it to `prep verify`: then it reads footers alone.",
              "2. The filesystem: 1,000 processes that read at the pace of the passes ask for "
              f"{2 * UNIT_BYTES * WORKERS / (unit_seconds['fit'] + unit_seconds['write']) / 1e9:.0f} GB/s together.",
              "3. `manifest.json` names every input and every shard, about 150 bytes each: 2M shards are some 300 MB, which `prep verify` "
              "holds in memory as well.",
              "4. Ranges of one unit: three million files in one directory, which each process lists unless it finds its own; ranges of "
              "a hundred or more don't feel it. A range is also what a killed process loses.",
              "5. `prep plan` and `prep commit` hold every file and row group in memory; see the peak above.", ""]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=pathlib.Path, required=True)
    parser.add_argument("--before", type=pathlib.Path, help="another prep binary, for the small files")
    parser.add_argument("--write", type=pathlib.Path, metavar="FILE")
    options = parser.parse_args()
    options.binary = pathlib.Path(os.environ.get("PREP_BIN", PROJECT / "target" / "release" / "prep")).resolve()
    options.binaries = [("before", options.before.resolve())] if options.before else []
    options.binaries.append(("now", options.binary))
    shutil.rmtree(options.data_dir, ignore_errors=True)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=PROJECT, capture_output=True, text=True).stdout.strip()
    typed = "`" + re.sub(r"(--data-dir|--before|--write) \S+", r"\1 ...", " ".join(["python", "benches/scale.py", *sys.argv[1:]])) + "`"
    if "PREP_BIN" in os.environ:
        profile = "debug, with little optimization" if "debug" in options.binary.parts else options.binary.parent.name
        typed = f"{typed} with PREP_BIN (a build of profile {profile})"
    lines = ["# A hundred terabytes, a million units", "",
             f"Written by {typed}; the script's head says what is measured and what is simulated. Last run on "
             f"{datetime.date.today().isoformat()} at commit {commit}, {os.cpu_count()} cores.", ""]
    small = measure_small(options, lines)
    measure_many(options, lines)
    measure_commit(options, lines)
    unit_seconds, shard_bytes = measure_unit(options, lines)
    simulate(options, unit_seconds, shard_bytes, small["now"][2] / 1000, lines)
    text = "\n".join(lines).rstrip("\n") + "\n"
    if options.write:
        options.write.write_text(text)
    print(text)
    shutil.rmtree(options.data_dir)


if __name__ == "__main__":
    main()
