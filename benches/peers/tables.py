"""The tables that are compared on, each made once."""

import pathlib
import shutil
import subprocess
import sys

ROWS_PER_FILE = 1_000_000
DIGITS = 17


def features(count):
    return [f"f{i}" for i in range(count)]


def made_once(folder, make):
    """`folder`, filled by `make` if it isn't there; what is half made is never taken for whole."""
    if not folder.exists():
        unfinished = folder.with_name(folder.name + ".part")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        make(unfinished)
        unfinished.rename(folder)
    return folder


def floats(rows, columns, seed):
    """Normal float64 features, of mean 10 i and deviation 1 + i, and a label."""
    import numpy as np
    import pyarrow as pa

    rng = np.random.default_rng(seed)
    table = {"label": (rng.random(rows) < 0.5).astype("f8")}
    table |= {name: rng.normal(i * 10.0, 1.0 + i, rows) for i, name in enumerate(features(columns))}
    return pa.table(table)


def wide(data, rows, columns=28, rows_per_file=ROWS_PER_FILE, rows_per_group=250_000):
    """Snappy Parquet without dictionaries."""
    import pyarrow.parquet as pq

    def make(folder):
        for part, first in enumerate(range(0, rows, rows_per_file)):
            table = floats(min(rows_per_file, rows - first), columns, part)
            pq.write_table(table, folder / f"part-{part:05}.parquet", compression="snappy", use_dictionary=False, row_group_size=rows_per_group)

    layout = "" if (rows_per_file, rows_per_group) == (ROWS_PER_FILE, 250_000) else f"-{rows_per_file}-{rows_per_group}"
    return made_once(data / f"float64-{rows}x{columns}{layout}", make)


def text(data, rows):
    """CSV with 17 significant digits a value."""
    def make(folder):
        with open(folder / "table.csv", "w") as file:
            for part, first in enumerate(range(0, rows, 100_000)):
                table = floats(min(100_000, rows - first), 28, part).to_pandas()
                table.to_csv(file, index=False, header=part == 0, float_format=f"%.{DIGITS}g")

    return made_once(data / f"csv-{rows}", make)


def lineitem(data, scale):
    """TPC-H `lineitem` as tpchgen writes it."""
    tool = pathlib.Path(sys.executable).parent / "tpchgen-cli"

    def make(folder):
        command = [tool, "parquet", "-s", str(scale), "--tables=lineitem", f"--output-dir={folder}"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    return made_once(data / f"lineitem-{scale}", make)
