"""Keys hashed again by numpy and by DuckDB, with the very code that docs/split.md prints."""

import decimal

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import documented, documented_python, run

THRESHOLD = 3689348814741910323
VECTORS = {
    "f8a80033ed5e8889": [None],
    "d99936f1d557dca1": [1],
    "b576fff674fe056f": [-1],
    "d70cb2c3cc3a6d17": [2**64 - 1],
    "1faa08e902cd5e41": [1.5],
    "36d9760d1dea8a58": [True],
    "22ef0dde5e74c881": [np.datetime64("2024-01-01T00:00:00.000000005")],
    "94997a59afdafe2d": [""],
    "53056ce56e25fae4": ["user-0042"],
    "ba9dd84631cfb4e8": [7, "a"],
}


def sides(out):
    """Every id with its side."""
    return {i: side.name for side in out.iterdir() if side.is_dir() for i in pd.read_parquet(side)["id"]}


def split(folder, table, *flags):
    (folder / "in").mkdir(exist_ok=True)
    table = table.append_column("id", pa.array(np.arange(len(table))))
    pq.write_table(table, folder / "in" / "a.parquet", row_group_size=700)
    run("--in", folder / "in", "--out", folder / "out", "--exclude", "id", "--overwrite", *flags)
    return sides(folder / "out")


def test_the_published_vectors_hold():
    key_hash = documented_python("python keys")["key_hash"]
    for expected, key in VECTORS.items():
        assert f"{key_hash(key):016x}" == expected, key
    whole = documented_python("python keys")["integer_key_hashes"](np.array([1, -1]))
    assert [f"{h:016x}" for h in whole] == ["d99936f1d557dca1", "b576fff674fe056f"]


@pytest.mark.parametrize(
    "values, arrow",
    [
        (list(range(-50, 50)), pa.int32()),
        (list(range(-50, 50)), pa.int64()),
        (list(range(100)), pa.uint8()),
        ([2**64 - 1 - i for i in range(100)], pa.uint64()),
        ([i / 4 for i in range(100)], pa.float64()),
        ([i / 4 for i in range(100)], pa.float32()),
        ([f"user-{i}" * (i % 4) + str(i) for i in range(100)], pa.string()),
        ([bytes([i, 0, 255]) for i in range(100)], pa.binary()),
        ([True, False], pa.bool_()),
        ([np.datetime64("1969-12-30T12:00:00") + np.timedelta64(i * 3601, "s") for i in range(100)], pa.timestamp("ms")),
        ([np.datetime64("1969-12-30T12:00:00") + np.timedelta64(i * 3601, "s") for i in range(100)], pa.timestamp("ns")),
        ([np.datetime64("1969-12-30") + np.timedelta64(i, "D") for i in range(100)], pa.date32()),
    ],
)
def test_every_type_of_key_agrees_with_the_documented_hash(tmp_path, values, arrow):
    rng = np.random.default_rng(1)
    picked = rng.integers(0, len(values) + 1, 3000)
    keys = [None if i == len(values) else values[i] for i in picked]
    if isinstance(values[0], np.datetime64):
        column = pa.array(np.array(keys, "M8[ns]")).cast(arrow)
    else:
        column = pa.array(keys, arrow)
    table = pa.table({"key": column, "x": rng.normal(size=3000)})
    found = split(tmp_path, table, "--split-by", "group:key")
    key_hash = documented_python("python keys")["key_hash"]
    expected = {i: "test" if key_hash([key]) < THRESHOLD else "train" for i, key in enumerate(keys)}
    assert found == expected


def test_decimals_are_the_numbers_that_they_are(tmp_path):
    values = [decimal.Decimal(i).scaleb(-2) for i in range(-200, 200, 25)]
    picked = np.random.default_rng(2).integers(0, len(values), 2000)
    keys = [values[i] for i in picked]
    expected = None
    for arrow in (pa.decimal128(9, 2), pa.decimal128(30, 5), pa.decimal256(60, 3), pa.float64()):
        table = pa.table({"key": pa.array(keys, pa.decimal128(9, 2)).cast(arrow), "x": picked * 0.5})
        found = split(tmp_path, table, "--split-by", "group:key")
        expected = expected or found
        assert found == expected, arrow
    key_hash = documented_python("python keys")["key_hash"]
    assert expected == {i: "test" if key_hash([float(k)]) < THRESHOLD else "train" for i, k in enumerate(keys)}


def test_duckdb_and_numpy_give_every_integer_key_the_same_side(tmp_path):
    keys = np.random.default_rng(3).integers(-(2**63), 2**63 - 1, 5000)
    table = pa.table({"key": np.repeat(keys, 2), "x": np.arange(10000) * 0.5})
    found = split(tmp_path, table, "--split-by", "group:key")
    rows = table.select(["key"])
    by_duckdb = dict(duckdb.sql(documented("sql keys")).fetchall())
    by_numpy = documented_python("python keys")["integer_key_hashes"](table["key"].to_numpy()) < THRESHOLD
    for i, key in enumerate(table["key"].to_pylist()):
        assert (found[i] == "test") == by_duckdb[key] == by_numpy[i]
    assert len(rows) == 10000


def test_content_is_the_hash_of_all_columns_by_name(tmp_path):
    rng = np.random.default_rng(4)
    table = pa.table({"x": rng.integers(0, 20, 4000).astype("f8"), "b": [f"t{i}" for i in rng.integers(0, 30, 4000)]})
    (tmp_path / "in").mkdir()
    pq.write_table(table, tmp_path / "in" / "a.parquet")
    run("--in", tmp_path / "in", "--out", tmp_path / "out", "--split-by", "content", "--exclude", "x")
    python = documented_python("python keys")
    by_row = {(b, x): python["key_hash"]([b, x], use=python["CONTENT"]) < THRESHOLD for b, x in zip(table["b"].to_pylist(), table["x"].to_pylist())}
    for side in ("train", "test"):
        rows = pd.read_parquet(tmp_path / "out" / side)
        assert len(rows) and all(by_row[b, x] == (side == "test") for b, x in zip(rows["b"], rows["x"]))


def test_a_sample_agrees_with_numpy(tmp_path):
    table = pa.table({"x": np.arange(20000) * 0.5})
    found = split(tmp_path, table, "--sample", "0.25")
    python = documented_python()
    key, mix = np.uint64(0xCB8EB0D4CD41F22D), python["mix"]
    with np.errstate(over="ignore"):
        stream = mix(np.uint64(42) ^ np.uint64(0x66E0CD4B1EE1F5E9) ^ key)
    hashes = mix(stream ^ np.arange(20000, dtype="u8"))
    assert [f"{h:016x}" for h in hashes[:3]] == ["3bea8916bc01e121", "e10ec70597c54815", "aa92a5f6c155b6b4"]
    assert sorted(found) == np.flatnonzero(hashes < 2**62).tolist()
    is_test = python["is_test"](b"a.parquet", 20000)
    assert all((side == "test") == is_test[i] for i, side in found.items())


@pytest.mark.parametrize(
    "where",
    ["x > 3", "x <= -2.5 and k = 7", "s = 'it''s' and x <> 0", "k >= 5 and k < 9 and flag = true", "s > 'm'", "day >= '2024-02-10' and day < '2024-03-01'", "price = 1.25"],
)
def test_where_agrees_with_duckdb(tmp_path, where):
    rng = np.random.default_rng(5)
    n = 3000
    rows = pa.table({
        "x": pa.array(np.round(rng.normal(0, 5, n), 1), mask=rng.random(n) < 0.1),
        "k": pa.array(rng.integers(0, 10, n), mask=rng.random(n) < 0.1),
        "s": pa.array(rng.choice(["it's", "a", "zeta", "M", ""], n), mask=rng.random(n) < 0.1),
        "flag": pa.array(rng.random(n) < 0.5, mask=rng.random(n) < 0.1),
        "day": pa.array(np.datetime64("2024-02-01") + rng.integers(0, 40, n)).cast(pa.date32()),
        "price": pa.array([decimal.Decimal(int(v)).scaleb(-2) for v in rng.integers(0, 200, n)], pa.decimal128(9, 2)),
    })
    found = split(tmp_path, rows, "--where", where)
    rows = rows.append_column("id", pa.array(np.arange(n)))
    kept = duckdb.sql(f"SELECT id FROM rows WHERE {where} ORDER BY id").fetchall()
    assert sorted(found) == [i for (i,) in kept] and len(kept)
