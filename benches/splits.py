"""What each way to split costs, in time and memory, on a table of many keys.

    python benches/splits.py --data-dir /somewhere --write docs/split.md
    python benches/splits.py --rows 100000000 --groups 10000000 --only "row;group (int64 key);group, stratified" \
        --narrow --times 1 --section scale --data-dir /somewhere/large --write docs/split.md
    python benches/splits.py ... --keep --only ""      makes the table and nothing else

The table has four measurements (one with --narrow), an integer key with the given number of values in random
order, each of which comes up about as often (as many groups as rows: each once), a label of five classes,
and a time. Every way runs within --memory, --times times in turn with the others; the least processor time
counts, and is compared with that of `row`. After each, no key may be on two sides of `group`, sizes must be
exact where they are to be, and classes of groups as near to their share as groups allow.
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
WAYS = {
    "row": [],
    "group (int64 key)": ["--split-by", "group:key"],
    "group, stratified": ["--split-by", "group:key", "--stratify", "label"],
    "content": ["--split-by", "content"],
    "row, size in rows": ["--test-size", "ROWS"],
    "row, stratified": ["--stratify", "label"],
    "time": ["--split-by", "time:when"],
    "row, sample 0.1": ["--sample", "0.1"],
    "row, where": ["--where", "label <> 3"],
    "row, weighted": ["--weights", "a"],
    "row, shuffled": ["--shuffle"],
}


def keys(random, first, count, rows, groups):
    if groups < rows:
        return random.integers(0, groups, count)
    # A bijection of 32-bit numbers.
    return np.arange(first, first + count, dtype="u8") * 2654435761 % 2**32


def write_table(folder, rows, groups, is_narrow=False):
    for first in range(0, rows, FILE_ROWS):
        random = np.random.default_rng(first)
        count = min(FILE_ROWS, rows - first)
        columns = {name: random.standard_normal(count) for name in ("" if is_narrow else "bcd")}
        columns["a"] = random.exponential(size=count)
        columns["key"] = keys(random, first, count, rows, groups)
        columns["label"] = random.integers(0, 5, count)
        if not is_narrow:
            columns["when"] = pa.array(random.integers(0, 10**9, count), pa.timestamp("s")).cast(pa.timestamp("ms"))
        pq.write_table(pa.table(columns), folder / f"{first // FILE_ROWS:05}.parquet", row_group_size=1 << 20)


def keys_of(side):
    return np.unique(pq.read_table(side, columns=["key"])["key"].to_numpy())


def check(way, out, rows, groups):
    """What must hold for the output of a way."""
    counts = {side.name: pq.read_table(side, columns=["label"]) for side in out.iterdir() if side.is_dir()}
    if way.startswith("group"):
        shared = np.intersect1d(keys_of(out / "train"), keys_of(out / "test"), assume_unique=True)
        assert len(shared) == 0, f"{len(shared)} keys on both sides"
    if "size in rows" in way or way == "time":
        assert len(counts["test"]) == -(-rows // 5), len(counts["test"])
    if way == "group, stratified":
        both = [np.bincount(counts[side]["label"].to_numpy(), minlength=5) for side in ("train", "test")]
        # A group has the class of most of its rows, and rows of any class: its others are drawn by lot.
        off = np.abs(both[1] / sum(both) - 0.2).max()
        assert off < (0.002 if groups < rows else 0.0001), (both, off)
    elif "stratified" in way:
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
    parser.add_argument("--only", default=";".join(WAYS), help="ways, with semicolons between them")
    parser.add_argument("--narrow", action="store_true")
    parser.add_argument("--keep", action="store_true", help="leave the table there, and use the one that was left")
    parser.add_argument("--section", default="costs", help="which part of the page to replace")
    parser.add_argument("--data-dir", type=pathlib.Path, required=True)
    parser.add_argument("--write", type=pathlib.Path)
    options = parser.parse_args()
    source, out = options.data_dir / "splits-in", options.data_dir / "splits-out"
    if not (options.keep and source.exists()):
        shutil.rmtree(source, ignore_errors=True)
        source.mkdir(parents=True)
        write_table(source, options.rows, options.groups, options.narrow)
    ways = {way: WAYS[way] for way in options.only.split(";") if way}
    least = {}
    for turn in range(options.times):
        for way, flags in ways.items():
            flags = [str(options.rows // 5) if flag == "ROWS" else flag for flag in flags]
            shutil.rmtree(out, ignore_errors=True)
            command = [options.prep, "stream", "--in", source, "--out", out, "--exclude", "key,label", "--memory", options.memory, "--quiet", *flags]
            _, usage = measured(command)
            if turn == 0:
                check(way, out, options.rows, options.groups)
            best = least.setdefault(way, usage)
            least[way] = {name: min(best[name], usage[name]) for name in best}
            print(f"{way}: {usage}", file=sys.stderr)
    if not options.keep:
        shutil.rmtree(source)
    shutil.rmtree(out, ignore_errors=True)
    if not least:
        return
    lines = ["| way | processor seconds | against `row` | seconds | peak memory |", "|---|---|---|---|---|"]
    for way, usage in least.items():
        ratio = usage["cpu"] / least["row"]["cpu"]
        lines.append(f"| {way} | {usage['cpu']:.2f} | {ratio:.2f} | {usage['seconds']:.2f} | {usage['peak'] / 2**20:.0f} MiB |")
    commit = subprocess.run(["git", "-C", PROJECT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    flags = f"--rows {options.rows} --groups {options.groups} --memory {options.memory}" + " --narrow" * options.narrow
    flags += f' --only "{options.only}"' * (ways != WAYS)
    head = f"{options.rows:,} rows, {options.groups:,} keys, `--memory {options.memory}`, least of {options.times} runs each; {datetime.date.today()}, commit {commit}, `python benches/splits.py {flags}`:"
    begin, end = (f"<!-- {options.section}: {edge} -->" for edge in ("begin", "end"))
    text = "\n".join([begin, head, "", *lines, end])
    print(text)
    if options.write:
        page = options.write.read_text()
        assert begin in page, f"{options.write} has no place for {begin}"
        options.write.write_text(re.sub(f"{begin}.*?{end}", lambda _: text, page, flags=re.S))


if __name__ == "__main__":
    main()
