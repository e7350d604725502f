"""TPC-H `lineitem`, Parquet and CSV, against exact sums taken by DuckDB.

    python tests/tpch/check.py --scale 1 --data-dir target/tpch
    python tests/tpch/check.py --scale 10 --data-dir /somewhere/large --write docs/tpch.md

Counts must be equal. For every numeric column, sum and sum of squares over the train rows are taken
in DuckDB as HUGEINT (decimals as their unscaled integers, so nothing is rounded), mean and variance
made of them as fractions; `scaler.json` must agree to 1e-12. Which rows are train is computed again
by the SQL of docs/split.md, for CSV by its numpy version. One run is held to 512 MiB and one thread,
must stay below, and must write the same bytes as the run that may use most of the machine.
"""

import argparse
import hashlib
import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from fractions import Fraction

import duckdb
import numpy as np
import pyarrow as pa

PROJECT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(PROJECT / "tests" / "peers"))
from measured import measured  # noqa: E402

# Column to the number of decimals it has.
COLUMNS = {
    "l_orderkey": 0, "l_partkey": 0, "l_suppkey": 0, "l_linenumber": 0,
    "l_quantity": 2, "l_extendedprice": 2, "l_discount": 2, "l_tax": 2,
}  # fmt: skip
TOLERANCE = Fraction(1, 10**12)
MEMORY_MAX = 512 << 20


def generate(data, scale):
    """Parquet and CSV of the same rows, made once."""
    tool = pathlib.Path(sys.executable).parent / "tpchgen-cli"
    for kind in ("parquet", "csv"):
        folder = data / f"sf{scale}" / kind
        file = folder / f"lineitem.{kind}"
        if not file.exists():
            unfinished = folder.with_name(f"{kind}.part")
            shutil.rmtree(unfinished, ignore_errors=True)
            subprocess.run([tool, kind, "-s", str(scale), "--tables=lineitem", f"--output-dir={unfinished}"], check=True, stdout=subprocess.DEVNULL)
            unfinished.rename(folder)
        print(f"{file}: {file.stat().st_size:,} bytes", flush=True)
        yield kind, folder


def documented(language):
    text = (PROJECT / "docs" / "split.md").read_text()
    return re.search(rf"```{language}\n(.*?)```", text, re.S)[1]


def sides(connection, kind, folder, rows):
    """A table `sides` of row_index and is_test, for the default split."""
    if kind == "parquet":
        query = documented("sql").replace("$root", str(folder)).rsplit("ORDER BY", 1)[0]
        connection.execute(f"CREATE OR REPLACE TABLE sides AS SELECT row_index, is_test FROM ({query})")
    else:
        space = {}
        exec(documented("python"), space)
        mask = space["is_test"](b"lineitem.csv", rows)
        connection.register("mask", pa.table({"row_index": pa.array(np.arange(rows)), "is_test": pa.array(mask)}))
        connection.execute("CREATE OR REPLACE TABLE sides AS SELECT * FROM mask")


def exact(connection, source, condition):
    """Count, and per column the exact mean and variance as fractions."""
    unscaled = {name: f"({name} * {10**digits})::BIGINT" for name, digits in COLUMNS.items()}
    parts = [f"sum({v})::HUGEINT, sum({v}::HUGEINT * {v})::HUGEINT" for v in unscaled.values()]
    count, *sums = connection.execute(f"SELECT count(*), {', '.join(parts)} FROM {source} {condition}").fetchall()[0]
    moments = {}
    for (name, digits), s, q in zip(COLUMNS.items(), sums[::2], sums[1::2]):
        s, q, unit = int(s), int(q), 10**digits
        moments[name] = (Fraction(s, count * unit), Fraction(count * q - s * s, count * count * unit * unit))
    return count, moments


def run(binary, folder, out, test_size, *extra):
    shutil.rmtree(out, ignore_errors=True)
    command = [binary, "stream", "--in", folder, "--out", out, "--test-size", test_size, "--log-format", "json", *extra]
    with tempfile.TemporaryFile("w+") as log:
        try:
            printed, used = measured(command, stderr=log)
        except RuntimeError:
            log.seek(0)
            sys.exit(log.read())
    return json.loads(printed.splitlines()[-1]), used["seconds"], used["peak"]


def digest(out):
    """What a run wrote: names and bytes of all files but run.json and the report's run section."""
    files = sorted(f for f in out.rglob("*") if f.is_file() and f.name != "run.json")
    total = hashlib.sha256()
    for file in files:
        total.update(str(file.relative_to(out)).encode())
        if file.stem == "report":
            own = (b'"run": ', b'"xxh3_128": ', b"<!-- xxh3_128 ")
            total.update(b"".join(l for l in file.read_bytes().splitlines(True) if not l.startswith(own)))
            continue
        with file.open("rb") as opened:
            total.update(hashlib.file_digest(opened, "sha256").digest())
    return total.hexdigest()


def within_memory(binary, folder, out, wanted):
    _, seconds, memory = run(binary, folder, out, "0.2", "--memory", str(MEMORY_MAX), "--threads", "1")
    assert digest(out) == wanted, "other bytes with less memory and one thread"
    assert memory <= MEMORY_MAX, f"{memory:,} bytes used, --memory allows {MEMORY_MAX:,}"
    print(f"with --memory 512MiB --threads 1: {memory / 2**20:.0f} MiB, {seconds:.1f} s, the same bytes", flush=True)


def compare(scaler, moments):
    """The largest relative error over all columns, of means and of variances."""
    names = scaler["feature_names_in_"]
    assert set(COLUMNS) <= set(names), names
    worst = [Fraction(0), Fraction(0)]
    for name, (mean, variance) in moments.items():
        index = names.index(name)
        mean_error = abs(Fraction(scaler["mean_"][index]) - mean) / max(abs(mean), 1)
        variance_error = abs(Fraction(scaler["var_"][index]) - variance) / variance
        assert mean_error <= TOLERANCE, f"{name}: mean is off by {float(mean_error):.2e}"
        assert variance_error <= TOLERANCE, f"{name}: variance is off by {float(variance_error):.2e}"
        worst = [max(worst[0], mean_error), max(worst[1], variance_error)]
    return [float(error) for error in worst]


def check_output(connection, out, expected):
    """Row counts of both sides, and train standardized: mean 0, mean square 1."""
    for side, rows in expected.items():
        found = connection.execute(f"SELECT count(*) FROM '{out}/{side}/*.parquet'").fetchall()[0][0]
        assert found == rows, f"{side}: {found} rows, DuckDB counts {rows}"
    for name in COLUMNS:
        mean, square = connection.execute(f"SELECT avg({name}::DOUBLE), avg({name}::DOUBLE * {name}::DOUBLE) FROM '{out}/train/*.parquet'").fetchall()[0]
        assert abs(mean) < 1e-5 and abs(square - 1) < 1e-5, f"{name}: mean {mean}, mean square {square}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=int, default=1)
    parser.add_argument("--data-dir", type=pathlib.Path, default=PROJECT / "target" / "tpch")
    parser.add_argument("--prep", type=pathlib.Path, default=PROJECT / "target" / "release" / "prep")
    parser.add_argument("--write", type=pathlib.Path, help="write the results to this Markdown file")
    options = parser.parse_args()
    data = options.data_dir.absolute()
    data.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect()
    connection.execute(f"SET temp_directory = '{data}/duckdb'")

    lines = []
    reference = None
    for kind, folder in generate(data, options.scale):
        parquet = data / f"sf{options.scale}" / "parquet" / "lineitem.parquet"
        if kind == "csv":
            types = ", ".join(f"'{name}': 'DECIMAL(15,{d})'" if d else f"'{name}': 'BIGINT'" for name, d in COLUMNS.items())
            whole = exact(connection, f"read_csv('{folder}/lineitem.csv', header = true, types = {{{types}}})", "")
            assert whole == reference, "the CSV file does not hold the rows of the Parquet file"
        else:
            whole = reference = exact(connection, f"'{parquet}'", "")
        sides(connection, kind, folder, whole[0])
        for test_size in ("0.2", "0"):
            source = f"read_parquet('{parquet}', file_row_number = true) JOIN sides ON file_row_number = row_index"
            train = whole if test_size == "0" else exact(connection, source, "WHERE NOT is_test")
            out = data / f"out-{kind}"
            report, seconds, memory = run(options.prep, folder, out, test_size)
            expected = {"train": train[0], "test": whole[0] - train[0]}
            assert {s["name"]: s["rows"] for s in report["sides"]} == expected, (report["sides"], expected)
            check_output(connection, out, expected)
            mean_error, variance_error = compare(json.loads((out / "scaler.json").read_text()), train[1])
            rate = report["inputs"]["bytes"] / seconds / 1e6
            lines.append(f"| {options.scale} | {kind} | {test_size} | {expected['train']:,} | {expected['test']:,} | {mean_error:.1e} | {variance_error:.1e} | {seconds:.1f} | {rate:.0f} | {memory / 2**20:.0f} |")
            print(lines[-1], flush=True)
            if test_size == "0.2":
                within_memory(options.prep, folder, out, digest(out))
            shutil.rmtree(out)
    if options.write:
        write(options.write, options.scale, lines)
    print(f"{len(lines)} passed, 0 failed")


def write(path, scale, lines):
    head = "| scale | format | test size | train rows | test rows | mean error | variance error | seconds | MB/s | peak MiB |"
    kept = []
    if path.exists():
        kept = [l for l in path.read_text().splitlines() if re.match(r"\| \d", l) and not l.startswith(f"| {scale} ")]
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=PROJECT, capture_output=True, text=True).stdout.strip()
    table = sorted(kept + lines, key=lambda line: int(line.split()[1]))
    path.write_text(
        "# TPC-H `lineitem`\n\n"
        "Written by `python tests/tpch/check.py --scale N --data-dir DIR --write docs/tpch.md`; the script's head\n"
        "says what is compared. Errors are the largest relative ones over the eight numeric columns; the bound\n"
        "is 1e-12. Both sides' row counts equal DuckDB's.\n\n"
        f"{head}\n|{'---|' * 10}\n" + "\n".join(table) + "\n\n"
        f"Last measured on {time.strftime('%Y-%m-%d')} at commit {commit}, {os.cpu_count()} cores, DuckDB {duckdb.__version__}, tpchgen-cli of\n"
        "`tests/peers/requirements.txt`. Seconds are wall-clock for all three passes, input in the page cache.\n"
    )


if __name__ == "__main__":
    main()
