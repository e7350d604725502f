"""What each way to split costs, in time and memory, on a table of many keys.

    python benches/splits.py --rows 100000000 --groups 10000000 --data-dir /somewhere/large --write docs/split.md

The table has four measurements, an integer key with the given number of values in random order (each of
which comes up about as often), a label of five classes, and a time. Every way runs within --memory, three
times in turn with the others; the least processor time counts, and is compared with that of `row`. After
each, no key may be on two sides of `group`, and sizes must be exact where they are to be.
"""

import argparse
import datetime
import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

PROJECT = pathlib.Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT / "tests" / "peers"))
from measured import measured  # noqa: E402

FILE_ROWS = 5_000_000
BEGIN, END = "<!-- costs: begin -->", "<!-- costs: end -->"
WAYS = {
    "row": [],
    "group (int64 key)": ["--split-by", "group:key"],
    "content": ["--split-by", "content"],
    "row, size in rows": ["--test-size", "ROWS"],
    "row, stratified": ["--stratify", "label"],
    "time": ["--split-by", "time:when"],
    "row, sample 0.1": ["--sample", "0.1"],
    "row, where": ["--where", "label <> 3"],
    "row, weighted": ["--weights", "a"],
}


def write_table(folder, rows, groups):
    for first in range(0, rows, FILE_ROWS):
        random = np.random.default_rng(first)
        count = min(FILE_ROWS, rows - first)
        columns = {name: random.standard_normal(count) for name in "bcd"}
        columns["a"] = random.exponential(size=count)
        columns["key"] = random.integers(0, groups, count)
        columns["label"] = random.integers(0, 5, count)
        columns["when"] = pa.array(random.integers(0, 10**9, count), pa.timestamp("s")).cast(pa.timestamp("ms"))
        pq.write_table(pa.table(columns), folder / f"{first // FILE_ROWS:05}.parquet", row_group_size=1 << 20)


def keys_of(side):
    return np.unique(pq.read_table(side, columns=["key"])["key"].to_numpy())


def check(way, out, rows):
    """What must hold for the output of a way."""
    counts = {side.name: pq.ParquetDataset(side).read(columns=["label"]) for side in out.iterdir() if side.is_dir()}
    if way.startswith("group"):
        shared = np.intersect1d(keys_of(out / "train"), keys_of(out / "test"), assume_unique=True)
        assert len(shared) == 0, f"{len(shared)} keys on both sides"
    if "size in rows" in way or way == "time":
        assert len(counts["test"]) == -(-rows // 5), len(counts["test"])
    if "stratified" in way:
        both = [np.bincount(counts[side]["label"].to_numpy(), minlength=5) for side in ("train", "test")]
        ideal = sum(both) / 5
        assert np.abs(both[1] - ideal).max() < 1, (both, ideal)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--prep", default=PROJECT / "target" / "release" / "prep", type=pathlib.Path)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--groups", type=int, default=200_000)
    parser.add_argument("--memory", default="512MiB")
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--data-dir", type=pathlib.Path, required=True)
    parser.add_argument("--write", type=pathlib.Path)
    options = parser.parse_args()
    source, out = options.data_dir / "splits-in", options.data_dir / "splits-out"
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    write_table(source, options.rows, options.groups)
    least = {}
    for turn in range(options.times):
        for way, flags in WAYS.items():
            flags = [str(options.rows // 5) if flag == "ROWS" else flag for flag in flags]
            shutil.rmtree(out, ignore_errors=True)
            command = [options.prep, "stream", "--in", source, "--out", out, "--exclude", "key,label", "--memory", options.memory, "--quiet", *flags]
            _, usage = measured(command)
            if turn == 0:
                check(way, out, options.rows)
            best = least.setdefault(way, usage)
            least[way] = {name: min(best[name], usage[name]) for name in best}
            print(f"{way}: {usage}", file=sys.stderr)
    shutil.rmtree(source)
    shutil.rmtree(out)
    lines = ["| way | processor seconds | against `row` | seconds | peak memory |", "|---|---|---|---|---|"]
    for way, usage in least.items():
        ratio = usage["cpu"] / least["row"]["cpu"]
        lines.append(f"| {way} | {usage['cpu']:.2f} | {ratio:.2f} | {usage['seconds']:.2f} | {usage['peak'] / 2**20:.0f} MiB |")
    commit = subprocess.run(["git", "-C", PROJECT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    head = f"{options.rows:,} rows, {options.groups:,} keys, `--memory {options.memory}`, least of {options.times} runs each; {datetime.date.today()}, commit {commit}, `python benches/splits.py --rows {options.rows} --groups {options.groups} --memory {options.memory}`:"
    text = "\n".join([BEGIN, head, "", *lines, END])
    print(text)
    if options.write:
        page = options.write.read_text()
        options.write.write_text(re.sub(f"{BEGIN}.*{END}", lambda _: text, page, flags=re.S))


if __name__ == "__main__":
    main()
