"""Peak memory of `prep validate` against the size of its shards.

    pip install numpy pyarrow
    cargo build --release
    python benches/peers/training_memory.py --write docs/validate.md

One Parquet file of 200 standard normal float64 features and a number to predict, under as many names (hard
links) as it takes: each name is other rows to the split. `prep stream` makes uncompressed shards of it, `prep
validate` trains its three networks on them for one epoch. Input and shards are deleted afterwards; the disk must
have room for both. Fails if any peak is above 1 GB.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

PROJECT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(PROJECT / "tests" / "peers"))
from measured import measured  # noqa: E402

FEATURES = 200
FILE_ROWS = 300_000
PEAK_MAX = 1_000_000_000
BEGIN, END = "<!-- training_memory.py begins -->", "<!-- training_memory.py ends -->"


def make_file(path):
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    schema = pa.schema([*((f"f{i}", pa.float64()) for i in range(FEATURES)), ("y", pa.float64())])
    with pq.ParquetWriter(path, schema, compression="none", use_dictionary=False) as writer:
        for _ in range(10):
            x = rng.normal(size=(FILE_ROWS // 10, FEATURES))
            y = x[:, 0] + np.abs(x[:, 1]) + rng.normal(size=len(x)) / 2
            writer.write_table(pa.table([*x.T, y], schema=schema))


def measure(folder, prep, gigabytes):
    source, out = folder / "in", folder / "out"
    source.mkdir()
    first = source / "0.parquet"
    make_file(first)
    copies = max(1, round(gigabytes * 1e9 / first.stat().st_size))
    for copy in range(1, copies):
        os.link(first, source / f"{copy}.parquet")
    stream = ["stream", "--in", source, "--out", out, "--label", "y", "--compression", "none", "--quiet"]
    subprocess.run([prep, *stream], check=True)
    shutil.rmtree(source)
    size = sum(file.stat().st_size for file in out.rglob("*.parquet"))
    _, result = measured([prep, "validate", "--data", out, "--label", "y", "--epochs", "1", "--batch-size", "256", "--quiet"])
    found = json.loads((out / "validation.json").read_text())
    metric = float(found["arms"][-1]["test"]["metric"])
    shutil.rmtree(out)
    rows = found["rows"]["train"] + found["rows"]["test"]
    return size, rows, result, metric


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=float, nargs="+", default=[1, 10])
    parser.add_argument("--data-dir", type=pathlib.Path, default=PROJECT / "target" / "training-memory")
    parser.add_argument("--prep", type=pathlib.Path, default=PROJECT / "target" / "release" / "prep")
    parser.add_argument("--write", type=pathlib.Path)
    options = parser.parse_args()
    folder = options.data_dir.absolute()
    folder.mkdir(parents=True)
    lines = ["| shards, GB | rows | peak, MiB | seconds | R2 |", "|---|---|---|---|---|"]
    peaks = []
    try:
        for gigabytes in options.gigabytes:
            size, rows, result, metric = measure(folder, options.prep.absolute(), gigabytes)
            peaks.append(result["peak"])
            lines.append(f"| {size / 1e9:.2f} | {rows:,} | {result['peak'] / 2**20:.0f} | {result['seconds']:.0f} | {metric:.3f} |")
            print(lines[-1], flush=True)
    finally:
        shutil.rmtree(folder)
    if options.write:
        commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=PROJECT, capture_output=True, text=True).stdout.strip()
        sizes = " ".join(f"{gigabytes:g}" for gigabytes in options.gigabytes)
        text = (
            "## Memory\n\nPeak of `prep validate` on 200 features and a number, three networks 200-64-64-1, one epoch:\n\n"
            + "\n".join(lines)
            + f"\n\n{time.strftime('%Y-%m-%d')} at commit {commit}, {os.cpu_count()} cores. Again with:\n\n"
            f"```sh\ncargo build --release\npython benches/peers/training_memory.py --gigabytes {sizes} --write docs/validate.md\n```"
        )
        page = options.write.read_text()
        before, rest = page.split(BEGIN)
        options.write.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}")
    sys.exit(0 if max(peaks) <= PEAK_MAX else 1)


if __name__ == "__main__":
    main()
