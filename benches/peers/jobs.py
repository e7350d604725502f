"""The jobs that are compared: what is read, what is written, and where to."""

import dataclasses

import tables

LINEITEM_NUMBERS = ["l_orderkey", "l_partkey", "l_suppkey", "l_linenumber", "l_quantity", "l_extendedprice", "l_discount", "l_tax"]
LINEITEM_OTHERS = [
    "l_returnflag", "l_linestatus", "l_shipdate", "l_commitdate", "l_receiptdate", "l_shipinstruct", "l_shipmode", "l_comment",
]  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Job:
    title: str
    # How many times as long the fastest peer may take at least.
    bar: float
    # Makes the table in a folder, of a size in (rows, CSV rows, TPC-H scale).
    table: object
    kind: str = "parquet"
    features: tuple = tuple(tables.features(28))
    others: tuple = ("label",)
    has_strings: bool = False
    dtype: str = "float64"
    codec: str = "snappy"
    # The output is on disk and `sync -f` is part of everyone's time; else it is in memory (tmpfs).
    on_disk: bool = False
    writes: bool = True
    peers: tuple = ("polars", "duckdb", "scikit-learn")

    def prep(self, prep, source, out):
        """The command line of `prep`."""
        if not self.writes:
            return [prep, "fit", "--in", source, "--out", out, "--label", "label", "--quiet"]
        command = [prep, "stream", "--in", source, "--out", out, "--dtype", self.dtype, "--compression", self.codec, "--quiet"]
        return command + (["--label", "label"] if "label" in self.others else [])


def wide(data, size):
    return tables.wide(data, size.rows)


def text(data, size):
    return tables.text(data, size.csv_rows)


def lineitem(data, size):
    return tables.lineitem(data, size.scale)


JOBS = {
    "wide": Job("wide float64, Snappy in and out, output in memory", 2.0, wide),
    "disk": Job("the same, output on disk and synced", 1.7, wide, on_disk=True, peers=("polars", "duckdb")),
    "float32": Job("the same, float32 and zstd out, output in memory", 2.0, wide, dtype="float32", codec="zstd", peers=("polars", "duckdb")),
    "lineitem": Job(
        "TPC-H lineitem: decimals and integers standardized, strings and dates as they are",
        1.5, lineitem, features=tuple(LINEITEM_NUMBERS), others=tuple(LINEITEM_OTHERS), has_strings=True, peers=("polars", "duckdb"),
    ),
    "csv": Job("CSV, 28 float columns of 17 digits", 2.5, text, kind="csv", peers=("polars", "duckdb")),
    "fit": Job("wide float64, only mean and deviation (`prep fit`)", 1.3, wide, writes=False, peers=("polars", "duckdb")),
}  # fmt: skip
