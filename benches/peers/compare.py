"""The main job by `prep`, Polars (streaming), DuckDB and scikit-learn (`partial_fit`), in turn.

    cargo build --release
    python benches/peers/compare.py --data-dir /somewhere/large --write docs/performance.md

The job: 8M rows of 28 float64 features and a label, Snappy Parquet without dictionaries. Split 80:20
by a hash, mean and standard deviation of the train rows, both sides standardized and written as
float64 Snappy Parquet without dictionaries. Each program runs in a process of its own, on all cores,
with the input in the page cache; the programs take turns for several rounds, and ratios are medians
of the ratios within a round, so that a slow minute of the machine meets all of them.

Peers are written the way their documentation suggests for data larger than memory. They split by
their own hash of the row number, which costs less than `prep`'s published split, and none of them
syncs its output to disk, which `prep` does before it renames.
"""

import argparse
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import time

PROJECT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(PROJECT / "tests" / "peers"))
from measured import measured  # noqa: E402

FEATURES = [f"f{i}" for i in range(28)]
ROWS_PER_FILE = 1_000_000
SEED = 42
TEST_PERCENT = 20


def make_data(folder, rows):
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    if folder.exists():
        return
    unfinished = folder.with_suffix(".part")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    for part, first in enumerate(range(0, rows, ROWS_PER_FILE)):
        count = min(ROWS_PER_FILE, rows - first)
        rng = np.random.default_rng(part)
        columns = {"label": (rng.random(count) < 0.5).astype("f8")}
        columns |= {name: rng.normal(i * 10.0, 1.0 + i, count) for i, name in enumerate(FEATURES)}
        pq.write_table(pa.table(columns), unfinished / f"part-{part:03}.parquet", compression="snappy", use_dictionary=False, row_group_size=250_000)
    unfinished.rename(folder)


# One function each: reads `source`, writes `out/train` and `out/test`, returns means and deviations.


def by_polars(source, out):
    import polars as pl

    rows = pl.scan_parquet(f"{source}/*.parquet", row_index_name="row")
    is_test = pl.col("row").hash(SEED) % 100 < TEST_PERCENT
    moments = [pl.col(n).mean().name.suffix("_mean") for n in FEATURES] + [pl.col(n).std(ddof=0).name.suffix("_sd") for n in FEATURES]
    fitted = rows.filter(~is_test).select(moments).collect(engine="streaming").row(0, named=True)
    scaled = [(pl.col(n) - fitted[f"{n}_mean"]) / fitted[f"{n}_sd"] for n in FEATURES]
    sinks = []
    for side, chosen in (("train", ~is_test), ("test", is_test)):
        (out / side).mkdir(parents=True)
        frame = rows.filter(chosen).select("label", *scaled)
        sinks.append(frame.sink_parquet(out / side / "part.parquet", compression="snappy", lazy=True))
    pl.collect_all(sinks, engine="streaming")
    return [fitted[f"{n}_mean"] for n in FEATURES], [fitted[f"{n}_sd"] for n in FEATURES]


def by_duckdb(source, out):
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET preserve_insertion_order = false")
    rows = f"read_parquet('{source}/*.parquet', file_row_number = true, filename = true)"
    is_test = f"hash(filename, file_row_number, {SEED}) % 100 < {TEST_PERCENT}"
    moments = ", ".join(f"avg({n}), stddev_pop({n})" for n in FEATURES)
    fitted = connection.execute(f"SELECT {moments} FROM {rows} WHERE NOT ({is_test})").fetchall()[0]
    means, deviations = fitted[::2], fitted[1::2]
    scaled = ", ".join(f"({n} - {m!r}) / {s!r} AS {n}" for n, m, s in zip(FEATURES, means, deviations))
    for side, chosen in (("train", f"NOT ({is_test})"), ("test", is_test)):
        (out / side).mkdir(parents=True)
        connection.execute(
            f"COPY (SELECT label, {scaled} FROM {rows} WHERE {chosen}) TO '{out}/{side}/part.parquet' "
            "(FORMAT parquet, COMPRESSION snappy, PARQUET_VERSION v1, DICTIONARY_SIZE_LIMIT 1)"
        )
    return list(means), list(deviations)


def by_sklearn(source, out):
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq
    from sklearn.preprocessing import StandardScaler

    files = sorted(source.glob("*.parquet"))
    scaler = StandardScaler()

    def batches(file, number):
        rng = np.random.default_rng([SEED, number])
        for batch in pq.ParquetFile(file).iter_batches(250_000):
            values = np.column_stack([batch[name].to_numpy() for name in FEATURES])
            yield batch["label"].to_numpy(), values, rng.random(len(values)) < TEST_PERCENT / 100

    for number, file in enumerate(files):
        for _, values, is_test in batches(file, number):
            scaler.partial_fit(values[~is_test])
    schema = pa.schema([(name, pa.float64()) for name in ["label", *FEATURES]])
    writers = {}
    for side in ("train", "test"):
        (out / side).mkdir(parents=True)
        writers[side] = pq.ParquetWriter(out / side / "part.parquet", schema, compression="snappy", use_dictionary=False)
    for number, file in enumerate(files):
        for label, values, is_test in batches(file, number):
            for side, chosen in (("train", ~is_test), ("test", is_test)):
                scaled = scaler.transform(values[chosen])
                columns = [label[chosen], *(np.ascontiguousarray(scaled[:, i]) for i in range(len(FEATURES)))]
                writers[side].write_table(pa.table(columns, schema=schema))
    for writer in writers.values():
        writer.close()
    return scaler.mean_.tolist(), np.sqrt(scaler.var_).tolist()


PEERS = {"polars": by_polars, "duckdb": by_duckdb, "scikit-learn": by_sklearn}


def one_run(name, options, source, out):
    shutil.rmtree(out, ignore_errors=True)
    os.sync()
    if name == "prep":
        command = [options.prep, "stream", "--in", source, "--out", out, "--label", "label", "--dtype", "float64", "--compression", "snappy", "--quiet"]
        _, result = measured(command)
        scaler = json.loads((out / "scaler.json").read_text())
        means, deviations = scaler["mean_"], scaler["scale_"]
    else:
        printed, result = measured([sys.executable, __file__, "--child", name, "--source", source, "--out", out])
        means, deviations = json.loads(printed)
    result["bytes"] = sum(f.stat().st_size for f in out.rglob("*.parquet"))
    # Splits differ, so the statistics agree only about as well as two samples do.
    for i, (mean, deviation) in enumerate(zip(means, deviations)):
        assert abs(mean - 10 * i) < 0.05 * (1 + i) and abs(deviation / (1 + i) - 1) < 0.05, (name, i, mean, deviation)
    shutil.rmtree(out)
    return result


def versions(options):
    import duckdb
    import polars
    import sklearn

    prep = subprocess.run([options.prep, "--version"], capture_output=True, text=True).stdout.split()[-1]
    return {"prep": prep, "polars": polars.__version__, "duckdb": duckdb.__version__, "scikit-learn": sklearn.__version__}


def table(rounds, names, found):
    lines = ["| program | version | seconds, median (all rounds) | CPU seconds | peak MiB | output MB | time against prep |", "|---|---|---|---|---|---|---|"]
    for name in names:
        runs = [r[name] for r in rounds]
        median = statistics.median(r["seconds"] for r in runs)
        ratio = statistics.median(r[name]["seconds"] / r["prep"]["seconds"] for r in rounds)
        every = ", ".join(f"{r['seconds']:.1f}" for r in runs)
        cpu = statistics.median(r["cpu"] for r in runs)
        peak = max(r["peak"] for r in runs) / 2**20
        lines.append(f"| {name} | {found[name]} | {median:.1f} ({every}) | {cpu:.1f} | {peak:.0f} | {runs[0]['bytes'] / 1e6:.0f} | {ratio:.2f} |")
    return "\n".join(lines)


def write(path, options, rounds, names, found):
    def output(*command):
        return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True).stdout.strip()

    cpu = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), platform.machine())
    path.write_text(
        "# Performance\n\n"
        f"`prep` and others doing the same job in turn: {options.rows:,} rows of 28 float64 features and a label,\n"
        "Snappy Parquet; split, fit on train, write both sides. What exactly is compared, and what isn't, is at the\n"
        "head of `benches/peers/compare.py`.\n\n"
        f"{table(rounds, names, found)}\n\n"
        "A ratio above 1 means slower than `prep`. Ratios are medians of the ratios within a round.\n\n"
        f"Measured on {time.strftime('%Y-%m-%d')} at commit {output('git', 'rev-parse', '--short', 'HEAD')}, {os.cpu_count()} cores ({cpu}),\n"
        f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB of memory, {len(rounds)} rounds. Again with:\n\n"
        "```sh\ncargo build --release\npython benches/peers/compare.py --data-dir DIR --write docs/performance.md\n```\n\n"
        "Kernels one by one: `cargo bench`.\n"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=8_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", default=",".join(PEERS), help="which peers run")
    parser.add_argument("--data-dir", type=pathlib.Path, default=PROJECT / "target" / "peers")
    parser.add_argument("--prep", type=pathlib.Path, default=PROJECT / "target" / "release" / "prep")
    parser.add_argument("--write", type=pathlib.Path, help="write the results to this Markdown file")
    parser.add_argument("--child", choices=PEERS, help=argparse.SUPPRESS)
    parser.add_argument("--source", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=pathlib.Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(PEERS[options.child](options.source, options.out)))
        return
    data = options.data_dir.absolute()
    source = data / f"float64-{options.rows}"
    make_data(source, options.rows)
    for file in source.iterdir():
        file.read_bytes()  # into the page cache
    names = ["prep", *options.peers.split(",")]
    rounds = []
    for number in range(options.rounds):
        # Another program begins each round.
        order = names[number % len(names) :] + names[: number % len(names)]
        rounds.append({name: one_run(name, options, source, data / f"out-{name}") for name in order})
        print(f"round {number + 1}: " + ", ".join(f"{n} {rounds[-1][n]['seconds']:.1f} s" for n in names), flush=True)
    found = versions(options)
    print(table(rounds, names, found))
    if options.write:
        write(options.write, options, rounds, names, found)


if __name__ == "__main__":
    main()
