"""The promise of `--memory`: peak memory of the whole process for data far larger than the budget.

    cargo build --release
    python tests/faults/memory.py --data-dir /somewhere/large --write docs/reliability.md

Needs pyarrow. Each case is data that is hard on memory, and the commands that are run on it, each with
its budget; the peak is the kernel's VmHWM of a process of its own. It fails when a peak exceeds its
budget by more than a tenth, or when memory grows with the data: 40 times the budget may take at most 5%
more than 10 times, in the median of several runs, since how the threads meet differs from run to run.
Files of the larger cases are hard links of one, so they take little disk; every run reads them all.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import time

PROJECT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(PROJECT / "tests" / "peers"))
from measured import measured  # noqa: E402

MIB = 1 << 20
OVER_MAX = 1.10
GROWTH_MAX = 1.05
COLUMNS = 24
BEGIN, END = "<!-- memory: begin -->", "<!-- memory: end -->"


def floats(rows, columns=COLUMNS, seed=0):
    import numpy
    import pyarrow

    random = numpy.random.default_rng(seed)
    return pyarrow.table({f"x{i}": random.normal(i, 1 + i, rows) for i in range(columns)})


def write(table, path, **options):
    import pyarrow.parquet

    path.parent.mkdir(parents=True, exist_ok=True)
    settings = {"compression": "snappy", "use_dictionary": False} | options
    pyarrow.parquet.write_table(table, path, **settings)


def times(folder, budget, count):
    """`count` times the budget, in files that are links of one."""
    rows = budget // (8 * COLUMNS)
    write(floats(rows), folder / "part-000.parquet", row_group_size=100_000)
    for number in range(1, count):
        os.link(folder / "part-000.parquet", folder / f"part-{number:03}.parquet")


def one_row_group(folder, budget):
    rows = 4 * budget // (8 * COLUMNS)
    write(floats(rows), folder / "a.parquet", row_group_size=rows)


def large_pages(folder, budget):
    """One row group, whose pages are 6 MiB each."""
    rows = 4 * budget // (8 * COLUMNS)
    write(floats(rows), folder / "a.parquet", row_group_size=rows, data_page_size=6 * MIB)


def strings(folder, budget, length):
    """One row group of strings of about this length, none like another, in pages of about 1 MiB."""
    import numpy
    import pyarrow

    rows = 4 * budget // length
    random = numpy.random.default_rng(1)
    noise = random.integers(0x21, 0x7F, 8 * MIB, dtype="u1").tobytes().decode()
    texts = [noise[start : start + length - 8] + f"{row:08}" for row, start in enumerate(random.integers(0, 8 * MIB - length, rows))]
    table = pyarrow.table({"text": texts, "x": random.normal(0, 1, rows)})
    write(table, folder / "a.parquet", row_group_size=rows, compression="none", write_batch_size=max(1, MIB // length))


def lists(folder, budget):
    """One row group of lists, some of a hundred thousand numbers, all of them near each other, in pages of about 1 MiB."""
    import numpy
    import pyarrow

    random = numpy.random.default_rng(2)
    lengths = random.integers(0, 12, budget // 20)
    lengths[1000:1100] = 100_000
    offsets = numpy.concatenate([[0], numpy.cumsum(lengths)]).astype("i4")
    column = pyarrow.ListArray.from_arrays(offsets, random.integers(0, 1000, offsets[-1]))
    table = pyarrow.table({"x": random.normal(0, 1, len(lengths)), "numbers": column})
    write(table, folder / "a.parquet", row_group_size=len(lengths), write_batch_size=4)


def packed(folder, budget):
    """One row group in pages of 2 MiB, gzip and brotli in turn."""
    rows = 2 * budget // (8 * COLUMNS)
    codecs = {f"x{i}": ["gzip", "brotli"][i % 2] for i in range(COLUMNS)}
    write(floats(rows), folder / "a.parquet", row_group_size=rows, data_page_size=2 * MIB, compression=codecs)


def wide(folder, budget):
    write(floats(8192, columns=8000), folder / "a.parquet", row_group_size=4096)


def wide_footer(folder, budget):
    """Half a million column chunks of one row: nothing but footer."""
    write(floats(500, columns=1000), folder / "a.parquet", row_group_size=1, write_statistics=False)


def linked(folder, count):
    for number in range(1, count):
        os.link(folder / "part-00000.parquet", folder / f"part-{number:05}.parquet")


def many_files(folder, budget):
    write(floats(500), folder / "part-00000.parquet")
    linked(folder, 10_000)


def many_groups(folder, budget):
    write(floats(1000, columns=2), folder / "part-00000.parquet", row_group_size=10)
    linked(folder, 10_000)


def text(folder, budget):
    import pyarrow.csv

    folder.mkdir(parents=True)
    pyarrow.csv.write_csv(floats(budget // (19 * COLUMNS)), folder / "part-000.csv")
    for number in range(1, 10):
        os.link(folder / "part-000.csv", folder / f"part-{number:03}.csv")


# Name, what makes the data for a budget in MiB, and the commands with their budgets: verify and audit
# look at what stream has made. An audit holds fingerprints of all rows of a row group.
CASES = [
    ("1 x the budget", lambda f, b: times(f, b, 1), {"stream": 72}),
    ("10 x the budget", lambda f, b: times(f, b, 10), {"stream": 72, "verify": 72, "audit": 160}),
    ("40 x the budget", lambda f, b: times(f, b, 40), {"stream": 72}),
    ("10 x the budget", lambda f, b: times(f, b, 10), {"stream": 128}),
    ("40 x the budget", lambda f, b: times(f, b, 40), {"stream": 128}),
    ("10 x the budget", lambda f, b: times(f, b, 10), {"stream": 256}),
    ("one row group of 4 x the budget", one_row_group, {"stream": 72, "verify": 72, "audit": 160}),
    ("the same in pages of 6 MiB", large_pages, {"stream": 128, "verify": 128}),
    ("the same, half of it, in gzip and brotli", packed, {"stream": 128, "verify": 128}),
    ("strings of 200 bytes, one row group of 4 x the budget", lambda f, b: strings(f, b, 200), {"stream": 72, "verify": 72, "audit": 160}),
    ("strings of 100 kB, one row group of 4 x the budget", lambda f, b: strings(f, b, 100_000), {"stream": 72, "verify": 72, "audit": 160}),
    ("strings of 3 MB, one row group of 4 x the budget", lambda f, b: strings(f, b, 3_000_000), {"stream": 96, "verify": 128, "audit": 192}),
    ("lists, some of 100,000 numbers", lists, {"stream": 160, "verify": 160, "audit": 768}),
    ("8,000 columns, 500 MiB", wide, {"stream": 256, "verify": 256, "audit": 704}),
    ("500,000 column chunks in one file", wide_footer, {"plan": 768}),
    ("10,000 files", many_files, {"stream": 72, "verify": 72, "audit": 160}),
    ("10,000 files of 100 row groups", many_groups, {"plan": 192}),
    ("CSV, about 10 x the budget", text, {"stream": 96, "verify": 96, "audit": 160}),
]
# Runs of the cases that are compared with each other. With 72 MiB a few pages more or less at the start decide
# whether there is room for one worker or two, so those runs differ by a worker's buffers.
ROUNDS = 5
COMPARED = ["10 x the budget", "40 x the budget"]
COMPARED_BUDGET = 128


def arguments(command, source, out):
    match command:
        case "stream":
            return ["--in", source, "--out", out, "--overwrite", "--compression", "snappy", "--quiet"]
        case "plan":
            return ["--in", source, "--out", out]
        case "verify":
            return [out, "--in", source]
        case "audit":
            return [out, "--quiet"]


def measure(prep, folder, name, make, commands):
    source, out = folder / "in", folder / "out"
    for used in (source, out):
        shutil.rmtree(used, ignore_errors=True)
    # In a process of its own: what makes the data needs far more memory than what is measured.
    child = os.fork()
    if child == 0:
        make(source, min(commands.values()) * MIB)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, f"cannot make the data of {name}"
    files = list(source.rglob("*.*"))
    about = {"name": name, "files": len(files), "on_disk": sum(file.stat().st_size for file in files)}
    results = []
    for command, budget in commands.items():
        call = [prep, command, *arguments(command, source, out), "--memory", f"{budget}MiB", "--threads", "2"]
        rounds = ROUNDS if name in COMPARED and (command, budget) == ("stream", COMPARED_BUDGET) else 1
        runs = [measured(call)[1] for _ in range(rounds)]
        peaks = sorted(run["peak"] for run in runs)
        result = runs[0] | about | {"command": command, "budget": budget, "peak": peaks[-1], "median": peaks[rounds // 2]}
        results.append(result)
        print(f"{name}, {command}: {peaks[-1] / MIB:.0f} of {budget} MiB, {result['seconds']:.1f} s", flush=True)
    for used in (source, out):
        shutil.rmtree(used, ignore_errors=True)
    return results


def verdict(results):
    """What is wrong with the results, one line each."""
    wrong = [
        f"{r['name']}, {r['command']}: {r['peak'] / MIB:.0f} MiB with a budget of {r['budget']} MiB"
        for r in results
        if r["peak"] > OVER_MAX * r["budget"] * MIB
    ]
    medians = {(r["name"], r["command"], r["budget"]): r["median"] for r in results}
    ten, forty = (medians.get((name, "stream", COMPARED_BUDGET)) for name in COMPARED)
    if ten and forty and forty > GROWTH_MAX * ten:
        wrong.append(f"40 x the budget took {forty / ten:.2f} times the memory of 10 x")
    return wrong


def table(results):
    lines = ["| data | on disk, MiB | files | command | `--memory`, MiB | peak, MiB | peak / budget | seconds |", "|---|---|---|---|---|---|---|---|"]
    for r in results:
        peak = f"{r['peak'] / MIB:.0f}" + (f" (median {r['median'] / MIB:.0f})" if r["median"] != r["peak"] else "")
        lines.append(
            f"| {r['name']} | {r['on_disk'] / MIB:,.0f} | {r['files']:,} | {r['command']} | {r['budget']} "
            f"| {peak} | {r['peak'] / MIB / r['budget']:.2f} | {r['seconds']:.1f} |"
        )
    return "\n".join(lines)


def head():
    return subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=PROJECT, capture_output=True, text=True).stdout.strip()


def section(results, commit):
    return (
        f"{BEGIN}\n"
        "Peak memory of the whole process, as the kernel counts it (VmHWM: allocations, code and mapped files),\n"
        f"two threads. Of {' and '.join(COMPARED)}, with {COMPARED_BUDGET} MiB: the highest of {ROUNDS} runs.\n\n"
        f"{table(results)}\n\n"
        f"Measured on {time.strftime('%Y-%m-%d')} at commit {commit} by `python tests/faults/memory.py`, which fails above\n"
        "110% of the budget, or if 40 times the budget takes over 5% more than 10 times.\n"
        f"{END}"
    )


def write_section(path, text):
    """Replaces the section between the marks, or adds it."""
    old = path.read_text() if path.exists() else "# Reliability\n\n## Memory\n\n"
    before, found, rest = old.partition(BEGIN)
    after = rest.partition(END)[2] if found else "\n"
    path.write_text(before + text + after)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=pathlib.Path, default=PROJECT / "target" / "memory")
    parser.add_argument("--prep", type=pathlib.Path, default=PROJECT / "target" / "release" / "prep")
    parser.add_argument("--commit", default=head(), help="what the binary was built from")
    parser.add_argument("--only", help="cases whose name holds this")
    parser.add_argument("--write", type=pathlib.Path, help="write the table to this Markdown file, between its marks")
    options = parser.parse_args()
    folder = options.data_dir.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    chosen = [case for case in CASES if (options.only or "") in case[0]]
    results = [result for case in chosen for result in measure(options.prep, folder, *case)]
    print(table(results))
    if options.write:
        write_section(options.write, section(results, options.commit))
    wrong = verdict(results)
    for line in wrong:
        print(f"FAILED: {line}")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
