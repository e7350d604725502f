"""What is measured of `prep` alone: memory, cost against size, threads, planning, a cold start."""

import concurrent.futures
import os
import pathlib
import shutil
import statistics
import sys
import time

import tables

PROJECT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(PROJECT / "tests" / "peers"))
from measured import measured  # noqa: E402


def run(options, source, *flags, command="stream", name="out-alone"):
    out = options.tmpfs / name
    shutil.rmtree(out, ignore_errors=True)
    os.sync()
    where = ["--out", out, "--label", "label", "--quiet", "--no-report"] if command == "stream" else ["--out", out]
    more = ["--dtype", "float64", "--compression", "snappy"] if command == "stream" else []
    _, result = measured([options.prep, command, "--in", source, *where, *more, *flags])
    shutil.rmtree(out, ignore_errors=True)
    return result


def in_turn(options, cases):
    """Runs each case once a round; a list of figures for each."""
    results = {name: [] for name in cases}
    for number in range(options.rounds):
        names = list(cases)
        for name in names[number % len(names) :] + names[: number % len(names)]:
            results[name].append(cases[name]())
        print(", ".join(f"{n} {r[-1]['seconds']:.2f} s" for n, r in results.items()), flush=True)
    return results


def median(runs, figure):
    return statistics.median(r[figure] for r in runs)


def ratio(results, one, other):
    return statistics.median(a["seconds"] / b["seconds"] for a, b in zip(results[one], results[other], strict=True))


def table(results, first="run"):
    lines = [f"| {first} | seconds, median (all rounds) | CPU seconds | peak MiB |", "|---|---|---|---|"]
    for name, runs in results.items():
        every = ", ".join(f"{r['seconds']:.2f}" for r in runs)
        peak = max(r["peak"] for r in runs) / 2**20
        lines.append(f"| {name} | {median(runs, 'seconds'):.2f} ({every}) | {median(runs, 'cpu'):.2f} | {peak:.0f} |")
    return "\n".join(lines)


def memory(options):
    source = tables.wide(options.data_dir, options.rows)
    cases = {"default budget": lambda: run(options, source), "--memory 256MiB": lambda: run(options, source, "--memory", "256MiB")}
    results = in_turn(options, cases)
    slower = ratio(results, "--memory 256MiB", "default budget")
    return f"{table(results)}\n\n256 MiB take **{slower:.2f}** times as long as the default; the bars are 1.25, and a peak of 282 MiB."


def size(options):
    unit = options.rows // 8
    by_rows = {f"{n * unit:,} rows x 28": (n * unit, 28) for n in (1, 4, 16)}
    by_columns = {f"{4 * unit:,} rows x {columns}": (4 * unit, columns) for columns in (7, 28, 112)}
    shapes = by_rows | by_columns
    cases = {}
    for name, (rows, columns) in shapes.items():
        source = tables.wide(options.data_dir, rows, columns)
        cases[name] = lambda source=source: run(options, source, "--memory", "512MiB")
    results = in_turn(options, cases)
    costs = {name: 1e9 * median(runs, "seconds") / (shapes[name][0] * (shapes[name][1] + 1)) for name, runs in results.items()}
    peaks = [max(r["peak"] for r in results[name]) / 2**20 for name in by_rows]

    def spread(of):
        return max(costs[name] for name in of) / min(costs[name] for name in of) - 1

    each = ", ".join(f"{name}: {cost:.2f} ns" for name, cost in costs.items())
    return (
        f"With `--memory 512MiB`.\n\n{table(results, 'table')}\n\nTime a value, the label's too: {each}. It differs by "
        f"**{spread(by_rows):.0%}** over rows and **{spread(by_columns):.0%}** over columns, the start of the process included; the bar is 10%. "
        f"The peak is {peaks[0]:.0f} MiB for the fewest rows, {peaks[-1]:.0f} MiB for 16 times as many."
    )


def at_once(options, source):
    """Two processes of one thread each, which have nothing to wait for but the machine."""
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        both = [pool.submit(run, options, source, "--threads", "1", name=f"out-alone-{number}") for number in range(2)]
        usages = [one.result() for one in both]
    return {"seconds": time.monotonic() - began, "cpu": sum(u["cpu"] for u in usages), "peak": sum(u["peak"] for u in usages)}


def threads(options):
    rows = options.rows
    layouts = {
        "8 files": tables.wide(options.data_dir, rows),
        "one file, one row group": tables.wide(options.data_dir, rows // 2, rows_per_file=rows // 2, rows_per_group=rows // 2),
        "10,000 files of 1,000 rows": tables.wide(options.data_dir, 10_000_000, rows_per_file=1_000, rows_per_group=1_000),
    }
    cases = {}
    for name, source in layouts.items():
        for count in (1, 2):
            cases[f"{name}, {count} thread{'s' * (count > 1)}"] = lambda source=source, count=count: run(options, source, "--threads", count)
        cases[f"{name}, two processes"] = lambda source=source: at_once(options, source)
    results = in_turn(options, cases)
    gains = ", ".join(f"{name} **{ratio(results, f'{name}, 1 thread', f'{name}, 2 threads'):.2f}**" for name in layouts)
    limits = ", ".join(f"{name} {2 * ratio(results, f'{name}, 1 thread', f'{name}, two processes'):.2f}" for name in layouts)
    return (
        f"{table(results)}\n\nTwo threads are faster by: {gains}; the bar is 1.85. What the machine gives: two processes of one "
        f"thread each, at once, do twice the work of one in such a time that both together are faster by: {limits}."
    )


def planning(options):
    many_files = tables.wide(options.data_dir, 10_000_000, rows_per_file=1_000, rows_per_group=1_000)
    many_groups = tables.wide(options.data_dir, 1_000_000, columns=2, rows_per_file=10_000, rows_per_group=1)
    cases = {
        "10,000 files": lambda: run(options, many_files, command="plan"),
        "1,000,000 row groups in 100 files": lambda: run(options, many_groups, command="plan"),
    }
    return f"`prep plan`, footers in the page cache.\n\n{table(in_turn(options, cases))}\n\nThe bar is 1 s for 10,000 footers."


def forget(source):
    """Has the system drop what it holds of the files."""
    for file in source.iterdir():
        opened = os.open(file, os.O_RDONLY)
        os.fsync(opened)
        os.posix_fadvise(opened, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(opened)


def cold(options):
    source = tables.wide(options.data_dir, options.rows)
    megabytes = sum(file.stat().st_size for file in source.iterdir()) / 1e6

    def read():
        started, cpu = time.perf_counter(), time.process_time()
        for file in sorted(source.iterdir()):
            with open(file, "rb", buffering=0) as opened:
                while opened.read(1 << 20):
                    pass
        return {"seconds": time.perf_counter() - started, "cpu": time.process_time() - cpu, "peak": 0}

    def from_disk(case):
        forget(source)
        return case()

    work = {
        "reading the files one after the other": read,
        "prep fit": lambda: run(options, source, command="fit"),
        "prep stream": lambda: run(options, source),
    }
    cases = {name: lambda case=case: from_disk(case) for name, case in work.items()}
    results = in_turn(options, cases)
    rates = {name: megabytes / median(runs, "seconds") for name, runs in results.items()}
    each = ", ".join(f"{name}: {rate:,.0f} MB/s" for name, rate in rates.items())
    return (
        f"Input {megabytes:,.0f} MB on disk, none of it in the page cache (`posix_fadvise`); output in memory.\n\n{table(results)}\n\n"
        f"Of the input: {each}. `prep stream` reads it twice, the second time from the page cache."
    )


PROPERTIES = {
    "memory": ("Memory, at two points", memory),
    "size": ("Cost against size", size),
    "threads": ("Two threads against one", threads),
    "planning": ("Planning", planning),
    "cold": ("From a cold disk", cold),
}
