"""The split computed again by numpy and by DuckDB, with the very code that docs/split.md prints."""

import os

import duckdb
import numpy as np
import pandas as pd
import pytest

from conftest import ROWS_PER_FILE, documented, documented_python, numpy_is_test, run


def test_numpy_and_duckdb_give_every_row_of_every_file_the_same_side(job):
    is_test = numpy_is_test()
    ours = np.zeros(len(job.source), bool)
    ours[job.ids("test")] = True
    by_numpy = np.concatenate([is_test(os.fsencode(n), ROWS_PER_FILE[n]) for n in sorted(ROWS_PER_FILE, key=os.fsencode)])
    np.testing.assert_array_equal(by_numpy, ours)

    rows = duckdb.sql(documented("sql").replace("$root", str(job.root))).fetchall()
    by_duckdb = {name: [] for name in ROWS_PER_FILE}
    for path, _, side in rows:
        by_duckdb[path].append(side)
    flat = np.concatenate([by_duckdb[n] for n in sorted(ROWS_PER_FILE, key=os.fsencode)])
    np.testing.assert_array_equal(flat, ours)


@pytest.mark.parametrize("size, numerator, decimals", [("0.5", 5, 1), ("0.001", 1, 3), ("0.123456789012345678", 123456789012345678, 18), ("1", 1, 0), ("0", 0, 0)])
@pytest.mark.parametrize("seed", [0, 42, 2**64 - 1])
def test_every_seed_and_size_agrees_with_numpy(tmp_path, size, numerator, decimals, seed):
    (tmp_path / "in").mkdir()
    rows = 3000
    pd.DataFrame({"x": np.arange(rows) * 1.5, "id": np.arange(rows)}).to_parquet(tmp_path / "in" / "a.parquet")
    run("--in", tmp_path / "in", "--out", tmp_path / "out", "--test-size", size, "--seed", seed, "--exclude", "id")
    threshold = numerator * 2**64 // 10**decimals
    if threshold >= 2**64:  # numpy's comparison ends at 64 bits
        expected = np.ones(rows, bool)
    else:
        expected = numpy_is_test()(b"a.parquet", rows, seed, numerator, decimals)
    ids = pd.read_parquet(tmp_path / "out" / "test")["id"].to_numpy()
    np.testing.assert_array_equal(np.flatnonzero(expected), ids)


def test_text_rows_count_without_header_comments_and_blank_lines(tmp_path):
    (tmp_path / "in").mkdir()
    rows = 4000
    lines = ["# made for a test", "id,x"]
    for i in range(rows):
        lines += [f"{i},{i / 8}"] + (["", "# note"] if i % 10 == 0 else [])
    (tmp_path / "in" / "täglich.csv").write_text("\r\n".join(lines))
    run("--in", tmp_path / "in", "--out", tmp_path / "out", "--comment", "#", "--exclude", "id")
    expected = numpy_is_test()(os.fsencode("täglich.csv"), rows)
    ids = pd.read_parquet(tmp_path / "out" / "test")["id"].to_numpy()
    np.testing.assert_array_equal(np.flatnonzero(expected), ids)


def test_numpy_gives_every_row_the_same_of_three_sides(tmp_path):
    (tmp_path / "in").mkdir()
    rows = 6000
    pd.DataFrame({"x": np.arange(rows) * 1.5, "id": np.arange(rows)}).to_parquet(tmp_path / "in" / "a.parquet")
    run("--in", tmp_path / "in", "--out", tmp_path / "out", "--test-size", "0.2", "--val-size", "0.1", "--exclude", "id")
    python = documented_python()
    is_test, is_val = python["is_test"](b"a.parquet", rows), python["is_val"](b"a.parquet", rows)
    for side, expected in {"test": is_test, "val": is_val, "train": ~is_test & ~is_val}.items():
        ids = pd.read_parquet(tmp_path / "out" / side)["id"].to_numpy()
        np.testing.assert_array_equal(np.flatnonzero(expected), ids)
