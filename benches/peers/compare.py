"""`prep` beside Polars (streaming), DuckDB and scikit-learn (`partial_fit`), and beside itself, in turn.

    cargo build --release
    python benches/peers/compare.py --data-dir /somewhere/large --write docs/performance.md
    python benches/peers/compare.py --only wide,csv --data-dir /somewhere/large --write docs/performance.md

Split 80:20 by a hash, mean and deviation of the train rows, both sides standardized and written
(`jobs.py` has the jobs, `programs.py` how each program does them, `alone.py` what is measured of `prep`
alone). Each program runs in a process of its own, on all cores, with the input in the page cache; the programs
take turns for several rounds, and ratios are medians of the ratios within a round, so that a slow minute of
the machine meets all of them. `--write` replaces the sections of what was run, and no others.
"""

import argparse
import json
import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time

PROJECT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(PROJECT / "tests" / "peers"))
import alone  # noqa: E402
import limit  # noqa: E402
import programs  # noqa: E402
from jobs import JOBS  # noqa: E402
from measured import measured  # noqa: E402


def one_run(name, key, options, source, folder):
    """One program, once, from an empty output; its figures, with how much it has written."""
    job, out = JOBS[key], folder / f"out-{name}"
    shutil.rmtree(out, ignore_errors=True)
    os.sync()
    if name == "prep":
        command = job.prep(options.prep, source, out)
    else:
        command = [sys.executable, __file__, "--child", name, "--job", key, "--source", source, "--out", out]
    if job.on_disk:
        command = ["/bin/sh", "-c", 'out=$1; shift; "$@" && sync -f "$out"', "sh", folder, *command]
    printed, result = measured(command)
    if name == "prep":
        scaler = json.loads((out / "scaler.json").read_text())
        fitted = scaler["mean_"], scaler["scale_"]
    else:
        fitted = json.loads(printed)
    result["bytes"] = sum(f.stat().st_size for f in out.rglob("*.parquet")) if out.exists() else 0
    shutil.rmtree(out, ignore_errors=True)
    return result, fitted


def agree(fitted):
    """Splits differ, so statistics agree only about as well as two samples do."""
    reference_means, reference_deviations = fitted["prep"]
    for name, (means, deviations) in fitted.items():
        columns = zip(means, deviations, reference_means, reference_deviations, strict=True)
        for column, (mean, deviation, reference_mean, reference) in enumerate(columns):
            same = abs(mean - reference_mean) < 0.02 * reference and abs(deviation / reference - 1) < 0.02
            assert same, (name, column, mean, reference_mean, deviation, reference)


def compared(key, options):
    """Rounds of a job, and its table."""
    job = JOBS[key]
    source = job.table(options.data_dir, options)
    into_page_cache(source)
    folder = options.data_dir if job.on_disk else options.tmpfs
    assert not job.on_disk or folder.stat().st_dev != options.tmpfs.stat().st_dev, f"{folder} is no disk"
    names = ["prep", *(n for n in job.peers if n in options.peers.split(","))]
    rounds = []
    for number in range(options.rounds):
        # Another program begins each round.
        order = names[number % len(names) :] + names[: number % len(names)]
        runs = {name: one_run(name, key, options, source, folder) for name in order}
        agree({name: fitted for name, (_, fitted) in runs.items()})
        rounds.append({name: result for name, (result, _) in runs.items()})
        print(f"{key}, round {number + 1}: " + ", ".join(f"{n} {rounds[-1][n]['seconds']:.2f} s" for n in names), flush=True)
    size = sum(f.stat().st_size for f in source.iterdir())
    return table(job, names, rounds, size) + limits(job, source, rounds, options)


def into_page_cache(source):
    for file in source.iterdir():
        with open(file, "rb") as opened:
            while opened.read(1 << 24):
                pass


def table(job, names, rounds, size):
    lines = [f"Input {size / 1e6:,.0f} MB.", ""]
    lines += ["| program | seconds, median (all rounds) | CPU seconds | peak MiB | output MB | time against prep |", "|---|---|---|---|---|---|"]
    ratios = {}
    for name in names:
        runs = [r[name] for r in rounds]
        ratios[name] = statistics.median(r[name]["seconds"] / r["prep"]["seconds"] for r in rounds)
        seconds = statistics.median(r["seconds"] for r in runs)
        every = ", ".join(f"{r['seconds']:.2f}" for r in runs)
        cpu = statistics.median(r["cpu"] for r in runs)
        peak = max(r["peak"] for r in runs) / 2**20
        program = name if name == "prep" else f"{name} {programs.version(name)}"
        lines.append(f"| {program} | {seconds:.2f} ({every}) | {cpu:.2f} | {peak:.0f} | {runs[0]['bytes'] / 1e6:,.0f} | {ratios[name]:.2f} |")
    fastest = min((ratios[name], name) for name in names if name != "prep")
    lines += ["", f"The fastest other, {fastest[1]}, takes **{fastest[0]:.2f}** times as long; the bar is {job.bar}."]
    return "\n".join(lines)


def limits(job, source, rounds, options):
    """How far a Parquet job is from what nobody can leave out."""
    if job.kind != "parquet" or job.has_strings:
        return ""
    found = limit.of(job, source, options.tmpfs)
    cpu = statistics.median(r["prep"]["cpu"] for r in rounds)
    parts = ", ".join(f"{what} {seconds:.2f} s" for what, seconds in found.items())
    return f"\n\nWhat can't be left out, on one core: {parts}: {sum(found.values()):.2f} CPU s together; `prep` takes {cpu / sum(found.values()):.2f} times that."


def output(*command):
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True).stdout.strip()


def measured_where(options):
    cpu = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), platform.machine())
    gibibytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    commit = output("git", "rev-parse", "--short", "HEAD")
    return f"Measured on {time.strftime('%Y-%m-%d')} at commit {commit}, {os.cpu_count()} cores ({cpu}), {gibibytes:.0f} GiB of memory, {options.rounds} rounds."


def write(path, key, title, body, options):
    """Replaces one section of the page."""
    page = path.read_text()
    again = f"`python benches/peers/compare.py --only {key} --rounds {options.rounds} --data-dir DIR --write docs/performance.md`"
    section = f"<!-- begin {key} -->\n## {title[0].upper()}{title[1:]}\n\n{body}\n\n{measured_where(options)}\nAgain with {again}.\n<!-- end {key} -->"
    place = re.compile(rf"<!-- begin {key} -->.*<!-- end {key} -->", re.S)
    assert place.search(page), f"{path} has no section {key}"
    path.write_text(place.sub(lambda _: section, page))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=8_000_000)
    parser.add_argument("--csv-rows", type=int, default=1_950_000)
    parser.add_argument("--scale", type=int, default=10, help="of TPC-H")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default=",".join([*JOBS, *alone.PROPERTIES]), help="which jobs, or properties of prep alone")
    parser.add_argument("--peers", default=",".join(programs.PROGRAMS), help="which peers run")
    parser.add_argument("--data-dir", type=pathlib.Path, default=PROJECT / "target" / "peers")
    parser.add_argument("--tmpfs", type=pathlib.Path, default=pathlib.Path("/dev/shm/prep-peers"), help="a folder in memory, for outputs")
    parser.add_argument("--prep", type=pathlib.Path, default=PROJECT / "target" / "release" / "prep")
    parser.add_argument("--write", type=pathlib.Path, help="put the results into this Markdown file")
    parser.add_argument("--child", choices=programs.PROGRAMS, help=argparse.SUPPRESS)
    parser.add_argument("--job", choices=JOBS, help=argparse.SUPPRESS)
    parser.add_argument("--source", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=pathlib.Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(programs.PROGRAMS[options.child](JOBS[options.job], options.source, options.out)))
        return
    options.data_dir = options.data_dir.absolute()
    options.data_dir.mkdir(parents=True, exist_ok=True)
    options.tmpfs.mkdir(parents=True, exist_ok=True)
    for key in options.only.split(","):
        if key in JOBS:
            title, body = JOBS[key].title, compared(key, options)
        else:
            title, measure = alone.PROPERTIES[key]
            body = measure(options)
        print(f"\n{title}\n\n{body}\n", flush=True)
        if options.write:
            write(options.write, key, title, body, options)


if __name__ == "__main__":
    main()
