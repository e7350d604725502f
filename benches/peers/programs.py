"""The job in each program, the way its documentation suggests for data larger than memory.

`run(program, job, source, out)` reads the folder `source` and writes `out/train` and `out/test`, or
nothing where the job is only to fit; it returns the means and deviations of the features. Peers split by
their own hash, of the row number (of CSV in DuckDB: of the first value, since a row has no number there),
which costs less than `prep`'s published split.
"""

SEED = 42
TEST_PERCENT = 20
BATCH_ROWS = 250_000


def polars(job, source, out):
    import polars as pl

    scan = pl.scan_csv if job.kind == "csv" else pl.scan_parquet
    rows = scan(f"{source}/*.{job.kind}", row_index_name="row")
    is_test = pl.col("row").hash(SEED) % 100 < TEST_PERCENT
    value = {n: pl.col(n).cast(pl.Float64) for n in job.features}
    moments = [e.mean().alias(f"{n}_mean") for n, e in value.items()] + [e.std(ddof=0).alias(f"{n}_sd") for n, e in value.items()]
    fitted = rows.filter(~is_test).select(moments).collect(engine="streaming").row(0, named=True)
    if job.writes:
        dtype = pl.Float32 if job.dtype == "float32" else pl.Float64
        scaled = [((e - fitted[f"{n}_mean"]) / fitted[f"{n}_sd"]).cast(dtype).alias(n) for n, e in value.items()]
        how = {"compression": job.codec} | ({"compression_level": 1} if job.codec == "zstd" else {})
        sinks = []
        for side, chosen in (("train", ~is_test), ("test", is_test)):
            (out / side).mkdir(parents=True)
            frame = rows.filter(chosen).select(*job.others, *scaled)
            sinks.append(frame.sink_parquet(out / side / "part.parquet", lazy=True, **how))
        pl.collect_all(sinks, engine="streaming")
    return [fitted[f"{n}_mean"] for n in job.features], [fitted[f"{n}_sd"] for n in job.features]


def duckdb(job, source, out):
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET preserve_insertion_order = false")
    if job.kind == "csv":
        rows, key = f"read_csv('{source}/*.csv')", job.features[0]
    else:
        rows = f"read_parquet('{source}/*.parquet', file_row_number = true, filename = true)"
        key = "filename, file_row_number"
    is_test = f"hash({key}, {SEED}) % 100 < {TEST_PERCENT}"
    moments = ", ".join(f"avg({n}::DOUBLE), stddev_pop({n}::DOUBLE)" for n in job.features)
    fitted = connection.execute(f"SELECT {moments} FROM {rows} WHERE NOT ({is_test})").fetchall()[0]
    means, deviations = fitted[::2], fitted[1::2]
    if job.writes:
        dtype = "FLOAT" if job.dtype == "float32" else "DOUBLE"
        scaled = [f"((({n}::DOUBLE - {m!r}) / {s!r})::{dtype}) AS {n}" for n, m, s in zip(job.features, means, deviations)]
        chosen_columns = ", ".join([*job.others, *scaled])
        how = "FORMAT parquet, PARQUET_VERSION v1, COMPRESSION " + job.codec
        how += ", COMPRESSION_LEVEL 1" if job.codec == "zstd" else ""
        how += "" if job.has_strings else ", DICTIONARY_SIZE_LIMIT 1"
        for side, chosen in (("train", f"NOT ({is_test})"), ("test", is_test)):
            (out / side).mkdir(parents=True)
            connection.execute(f"COPY (SELECT {chosen_columns} FROM {rows} WHERE {chosen}) TO '{out}/{side}/part.parquet' ({how})")
    return list(means), list(deviations)


def batches(job, source):
    """Record batches with the test mask of their rows, in the same order every time."""
    import numpy as np
    import pyarrow.csv
    import pyarrow.parquet as pq

    for number, file in enumerate(sorted(source.glob(f"*.{job.kind}"))):
        rng = np.random.default_rng([SEED, number])
        if job.kind == "csv":
            read = pyarrow.csv.open_csv(file, read_options=pyarrow.csv.ReadOptions(block_size=64 << 20))
        else:
            read = pq.ParquetFile(file).iter_batches(BATCH_ROWS)
        for batch in read:
            values = np.column_stack([batch[name].cast("float64").to_numpy() for name in job.features])
            yield batch, values, rng.random(len(values)) < TEST_PERCENT / 100


def scikit_learn(job, source, out):
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler()
    for _, values, is_test in batches(job, source):
        scaler.partial_fit(values[~is_test])
    writers = {}
    for batch, values, is_test in batches(job, source) if job.writes else ():
        for side, chosen in (("train", ~is_test), ("test", is_test)):
            scaled = scaler.transform(values[chosen]).astype(job.dtype, copy=False)
            columns = {name: batch[name].filter(pa.array(chosen)) for name in job.others}
            columns |= {name: np.ascontiguousarray(scaled[:, i]) for i, name in enumerate(job.features)}
            table = pa.table(columns)
            if side not in writers:
                (out / side).mkdir(parents=True)
                level = 1 if job.codec == "zstd" else None
                kind = {"compression": job.codec, "compression_level": level, "use_dictionary": job.has_strings}
                writers[side] = pq.ParquetWriter(out / side / "part.parquet", table.schema, **kind)
            writers[side].write_table(table)
    for writer in writers.values():
        writer.close()
    return scaler.mean_.tolist(), np.sqrt(scaler.var_).tolist()


PROGRAMS = {"polars": polars, "duckdb": duckdb, "scikit-learn": scikit_learn}


def version(program):
    import importlib.metadata

    return importlib.metadata.version(program)
