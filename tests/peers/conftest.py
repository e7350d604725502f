"""What every peer test shares: the binary, a runner, and a table with every kind of column."""

import datetime
import decimal
import json
import os
import pathlib
import re
import subprocess

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

PROJECT = pathlib.Path(__file__).parents[2]
ROWS_PER_FILE = {"a.parquet": 5000, "b b.parquet": 1, "größe/ä.parquet": 7001, "größe/😀 %20.parquet": 9000}
FEATURES = ["i8", "u64", "f32", "f64", "dec"]


def binary():
    named = os.environ.get("PREP_BIN")
    built = [PROJECT / "target" / profile / "prep" for profile in ("release", "debug")]
    for path in [pathlib.Path(named)] if named else built:
        if path.exists():
            return path
    raise FileNotFoundError(f"no prep binary: build it, or set PREP_BIN ({named=})")


def run(*arguments):
    """Runs `prep stream`, returns its JSON report."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PREP_")}
    command = [binary(), "stream", *arguments, "--log-format", "json"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=environment)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return json.loads(done.stdout.splitlines()[-1])


def documented(block):
    """A code block of docs/split.md as it stands there, by what follows its backquotes."""
    text = (PROJECT / "docs" / "split.md").read_text()
    return re.search(rf"```{block}\n(.*?)```", text, re.S)[1]


def documented_python(*blocks):
    """The functions that docs/split.md defines, in these further blocks too."""
    space = {}
    for block in ("python", *blocks):
        exec(documented(block), space)
    return space


def numpy_is_test():
    return documented_python()["is_test"]


def table(first_id, rows):
    """Every kind of column; nulls and NaN in all that can hold them; `id` says which row it is."""
    rng = np.random.default_rng(first_id + 1)
    ids = np.arange(first_id, first_id + rows)
    missing = rng.random(rows) < 0.1
    f64 = rng.normal(1e6, 3, rows)
    f64[rng.random(rows) < 0.05] = np.nan
    day = datetime.date(2024, 2, 28)
    columns = {
        "name with spaces": pa.array([f"ü{i}" if i % 7 else None for i in ids]),
        "i8": pa.array(rng.integers(-100, 100, rows).astype("i1"), mask=missing),
        "flag": pa.array(ids % 3 == 0, mask=missing),
        "u64": pa.array(rng.integers(0, 2**40, rows).astype("u8")),
        "day": pa.array([day + datetime.timedelta(int(i) % 4000) for i in ids]),
        "f32": pa.array(rng.exponential(2, rows).astype("f4"), mask=missing),
        "when": pa.array(ids * 1_000_003, pa.timestamp("us", tz="UTC")),
        "f64": pa.array(f64, mask=rng.random(rows) < 0.03, from_pandas=False),
        "list": pa.array([[int(i), None] if i % 5 else ([] if i % 2 else None) for i in ids], pa.list_(pa.int32())),
        "dec": pa.array([decimal.Decimal(int(v)).scaleb(-2) for v in rng.integers(-(10**9), 10**9, rows)], pa.decimal128(15, 2)),
        "struct": pa.array([{"x": float(i), "s": str(i)} if i % 6 else None for i in ids], pa.struct([("x", pa.float64()), ("s", pa.string())])),
        "category": pa.array([("red", "green", "blue")[i % 3] for i in ids]).dictionary_encode(),
        "blob": pa.array([bytes([i % 256, 0, 255]) for i in ids]),
        "id": pa.array(ids),
        "label": pa.array(ids % 2),
    }
    return pa.table(columns)


class Job:
    """One source directory and what prep made of it."""

    def __init__(self, root, out, tables, report):
        self.root, self.out, self.tables, self.report = root, out, tables, report
        self.scaler = json.loads((out / "scaler.json").read_text())
        self.source = pa.concat_tables(tables[name] for name in sorted(tables, key=os.fsencode))

    def side(self, name):
        return pq.read_table(self.out / name)

    def ids(self, name):
        return self.side(name)["id"].to_numpy()

    def rows(self, name):
        """The source's rows of one side, in its order."""
        return self.source.take(pa.array(self.ids(name)))


@pytest.fixture(scope="session")
def job(tmp_path_factory):
    folder = tmp_path_factory.mktemp("peers")
    root, tables, first = folder / "input", {}, 0
    for name in sorted(ROWS_PER_FILE, key=os.fsencode):
        tables[name] = table(first, ROWS_PER_FILE[name])
        first += ROWS_PER_FILE[name]
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(tables[name], root / name, row_group_size=2048)
    out = folder / "out"
    report = run("--in", root, "--out", out, "--dtype", "float64", "--label", "label", "--exclude", "id")
    return Job(root, out, tables, report)
