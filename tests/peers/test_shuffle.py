"""The order of shuffled rows, by numpy, with the very code that docs/split.md prints."""

import os

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import documented_python, run

FILES = {"a.parquet": 9000, "größe/ä.parquet": 5001, "z.parquet": 1}


def write(folder):
    """Rows so wide that 4,096 of them make a shard; a row's id is its place in the order of the input."""
    first = 0
    for name in sorted(FILES, key=os.fsencode):
        rows = FILES[name]
        wide = pa.array([bytes(40_000) if row == 7 else None for row in range(rows)], pa.binary(40_000))
        ids = np.arange(first, first + rows)
        table = pa.table({"id": ids, "key": ids // 10, "x": ids * 0.5, "wide": wide})
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, folder / name, row_group_size=1000)
        first += rows


def ids(side):
    parts = sorted(side.iterdir())
    return np.concatenate([pd.read_parquet(part, columns=["id"])["id"].to_numpy() for part in parts]), len(parts)


def test_the_published_vectors_hold():
    hashes = documented_python("python shuffle")["shuffle_hash"](b"a.parquet", 3)
    assert [f"{h:016x}" for h in hashes] == ["0063711019adf705", "73fbeef15def21e9", "795b133491d6272a"]


@pytest.mark.parametrize("seed", [42, 0, 2**64 - 1])
@pytest.mark.parametrize("flags", [[], ["--val-size", "0.25"], ["--split-by", "group:key", "--test-size", "0.5"]])
def test_numpy_puts_the_rows_of_every_side_in_the_same_order(tmp_path, seed, flags):
    write(tmp_path / "in")
    flags = ["--in", tmp_path / "in", "--exclude", "id,key", "--seed", seed, *flags]
    run(*flags, "--out", tmp_path / "plain")
    run(*flags, "--out", tmp_path / "out", "--shuffle")
    documented = documented_python("python shuffle")
    names = sorted(FILES, key=os.fsencode)
    hashes = np.concatenate([documented["shuffle_hash"](os.fsencode(name), FILES[name], seed) for name in names])
    sides = [side for side in ("train", "val", "test") if (tmp_path / "plain" / side).is_dir()]
    assert len(sides) == (3 if "--val-size" in flags else 2)
    for side in sides:
        plain, _ = ids(tmp_path / "plain" / side)
        found, shards = ids(tmp_path / "out" / side)
        assert shards == -(-len(plain) // 4096)
        np.testing.assert_array_equal(found, plain[documented["shuffled"](hashes[plain])])
