"""Leaks planted into tables of millions of rows: all must be found, with their exact numbers, and none invented.

    python tests/audit/planted.py --rows 10000000 --data-dir /somewhere/large --write docs/audit.md

Each table has six measurements, a small whole number, a label, a key, a time and an id. At each rate so
many test rows become copies of train rows, as many test rows take the key of a train row, and as many
train rows get a time after the first of test; a copy of the label and the id are features. The clean
table has none of it. Everything runs within --memory; the audit's time is compared with that of the
write pass of the same run, read from run.json.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

PROJECT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(PROJECT / "tests" / "peers"))
from measured import measured  # noqa: E402

RATES = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2)
COPIED = ("a", "b", "c", "d", "e", "f", "level", "y")
BEGIN, END = "<!-- planted: begin -->", "<!-- planted: end -->"


def table(rows, planted, seed):
    """Four fifths are train, in front; `planted` rows of each kind of leak."""
    random = np.random.default_rng(seed)
    train = rows * 4 // 5
    test = rows - train
    columns = {name: random.standard_normal(rows) for name in "abcdef"}
    columns["level"] = random.integers(0, 9, rows)
    columns["y"] = columns["a"] + random.standard_normal(rows)
    columns["key"] = np.arange(rows) // 4
    columns["time"] = np.arange(rows) + 1_600_000_000_000
    # Disjoint thirds of both sides, so that every number to be found is known.
    source = random.choice(train // 4, planted, replace=False)
    copies, keyed = np.split(random.choice(test, 2 * planted, replace=False), 2)
    late = train // 2 + random.choice(train // 2, planted, replace=False)
    for name in COPIED:
        columns[name][train + copies] = columns[name][source]
    columns["key"][train + keyed] = columns["key"][random.choice(train // 8, planted, replace=False) * 4]
    columns["time"][late] += rows
    columns["side"] = (np.arange(rows) >= train).astype(np.int64)
    if planted:
        columns["twin"] = columns["y"].copy()
        columns["id"] = random.permutation(rows)
    return columns


def write_table(columns, folder):
    """As Parquet files of a million rows."""
    folder.mkdir(parents=True)
    rows = len(columns["y"])
    for number, start in enumerate(range(0, rows, 1_000_000)):
        arrays = {name: pa.array(values[start : start + 1_000_000]) for name, values in columns.items()}
        arrays["time"] = arrays["time"].cast(pa.timestamp("ms"))
        pq.write_table(pa.table(arrays), folder / f"part-{number:04}.parquet")


def expected(planted):
    if planted == 0:
        return set()
    return {("duplicates", "leak"), ("groups", "leak"), ("time", "leak"), ("label", "leak"), ("ids", "warning")}


def check(report, planted):
    """What was found is what was planted."""
    found = {(f["check"], f["severity"]) for f in report["findings"] if f["severity"] != "note"}
    assert found == expected(planted), (planted, found)
    figures = {f["check"]: {e["name"]: e["value"] for e in f["evidence"]} for f in report["findings"]}
    if planted:
        assert figures["duplicates"]["rows"] == planted, figures["duplicates"]
        assert figures["groups"]["keys"] == planted, figures["groups"]
        assert figures["time"]["rows_of_the_earlier_side_after"] == planted, figures["time"]
        columns = {f["check"]: f["columns"] for f in report["findings"]}
        assert columns["label"] == ["twin", "y"] and columns["ids"] == ["id"], columns


def run(options, planted):
    """One table: made, split by its own column, audited."""
    data, out = options.data_dir / "in", options.data_dir / "out"
    for folder in (data, out):
        shutil.rmtree(folder, ignore_errors=True)
    write_table(table(options.rows, planted, seed=planted + 1), data)
    exclude = "key,time"
    memory = ["--memory", options.memory]
    stream = [options.prep, "stream", "--in", data, "--out", out, "--split-by", "column:side", "--label", "y", "--exclude", exclude]
    audit = [options.prep, "audit", out, "--group", "key", "--time", "time", "--ignore", "id,key,time" if planted else "key,time"]
    limit = int(re.match(r"\d+", options.memory)[0]) << 20
    written, audited, peak = [], [], 0
    for _ in range(options.rounds):
        shutil.rmtree(out, ignore_errors=True)
        measured([*stream, *memory, "--quiet"])
        passes = json.loads((out / "run.json").read_text())["passes"]
        written += [p["seconds"] for p in passes if p["pass"] == "write"]
        _, usage = measured([*audit, *memory, "--quiet"])
        check(json.loads((out / "audit.json").read_text()), planted)
        audited.append(usage["seconds"])
        peak = max(peak, usage["peak"])
        assert peak <= limit, f"{peak:,} bytes at the peak, --memory allows {limit:,}"
    write_seconds, seconds = statistics.median(written), statistics.median(audited)
    rate = f"{planted / options.rows:.0e}" if planted else "0"
    found = "all, exact" if planted else "nothing"
    line = f"| {rate} | {planted:,} | {found} | {write_seconds:.1f} | {seconds:.1f} | {seconds / write_seconds:.2f} | {peak / 2**20:.0f} |"
    print(line, flush=True)
    return line


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--data-dir", type=pathlib.Path, required=True, help="removed afterwards: in/ and out/ in it")
    parser.add_argument("--memory", default="512MiB", help="in MiB")
    parser.add_argument("--prep", default=str(PROJECT / "target" / "release" / "prep"))
    parser.add_argument("--rounds", type=int, default=1, help="runs and audits of each table, in turn; medians count")
    parser.add_argument("--write", type=pathlib.Path, help="put the table into this page")
    options = parser.parse_args()
    counts = [0] + sorted({int(options.rows * rate) for rate in RATES} - {0})
    lines = [run(options, planted) for planted in counts]
    for folder in ("in", "out"):
        shutil.rmtree(options.data_dir / folder)
    if options.write:
        write_page(options, lines)
    print(f"{len(lines)} passed, 0 failed")


def write_page(options, lines):
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=PROJECT, capture_output=True, text=True).stdout.strip()
    head = "| rate | rows of each kind | found | write pass, s | audit, s | ratio | audit's peak, MiB |"
    text = "\n".join(
        [
            f"`python tests/audit/planted.py --rows {options.rows} --rounds {options.rounds} --memory {options.memory} --write docs/audit.md`,",
            f"on {time.strftime('%Y-%m-%d')} at commit {commit}, {os.cpu_count()} cores, {options.rows:,} rows, medians:",
            "",
            head,
            f"|{'---|' * 7}",
            *lines,
        ]
    )
    page = options.write.read_text()
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    options.write.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")


if __name__ == "__main__":
    main()
