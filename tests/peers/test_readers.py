"""`OUT/train` and `OUT/test` opened as they stand by the libraries people open them with."""

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
from sklearn.linear_model import SGDClassifier
from sklearn.preprocessing import StandardScaler

from conftest import FEATURES, PROJECT, run

SIDES = ["train", "test"]


@pytest.mark.parametrize("side", SIDES)
def test_pyarrow_sees_every_column_in_order_with_its_type(job, side):
    for got in (pq.read_table(job.out / side), pa.dataset.dataset(job.out / side).to_table()):
        assert got.column_names == job.source.column_names
        for field in job.source.schema:
            kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
            wanted = pa.float64() if field.name in FEATURES else kind
            found = got.schema.field(field.name).type
            found = found.value_type if pa.types.is_dictionary(found) else found
            assert found == wanted, field.name


@pytest.mark.parametrize("side", SIDES)
def test_what_is_no_feature_equals_the_source_by_value(job, side):
    got, source = job.side(side), job.rows(side)
    for name in job.source.column_names:
        if name not in FEATURES:
            assert got[name].to_pylist() == source[name].to_pylist(), name


@pytest.mark.parametrize("side", SIDES)
def test_rows_keep_the_order_of_the_source(job, side):
    assert (np.diff(job.ids(side)) > 0).all()


@pytest.mark.parametrize("side", SIDES)
def test_every_library_counts_the_same_rows_nulls_and_columns(job, side):
    reference = job.side(side)
    nulls = {name: reference[name].null_count for name in reference.column_names}
    sums = {name: float(np.nansum(reference[name].to_numpy())) for name in FEATURES}
    folder = job.out / side

    polars = pl.read_parquet(folder)
    lazily = pl.scan_parquet(f"{folder}/*.parquet").collect(engine="streaming")
    for frame in (polars, lazily):
        assert frame.columns == reference.column_names
        assert {c: frame[c].null_count() for c in frame.columns} == nulls
        assert all(frame.schema[name] == pl.Float64 for name in FEATURES)
        assert {n: frame[n].fill_nan(None).sum() for n in FEATURES} == pytest.approx(sums, abs=1e-6)

    described = duckdb.sql(f"DESCRIBE SELECT * FROM '{folder}/*.parquet'").fetchall()
    assert [row[0] for row in described] == reference.column_names
    assert all(row[1] == "DOUBLE" for row in described if row[0] in FEATURES)
    counts = ", ".join(f'count(*) - count("{name}")' for name in nulls)
    total, *per_column = duckdb.sql(f"SELECT count(*), {counts} FROM '{folder}/*.parquet'").fetchall()[0]
    assert total == len(reference)
    assert dict(zip(nulls, per_column)) == nulls

    pandas = pd.read_parquet(folder)
    assert list(pandas.columns) == reference.column_names
    assert len(pandas) == len(reference)
    assert pandas["f64"].isna().sum() == nulls["f64"] + np.isnan(reference["f64"].drop_null().to_numpy()).sum()


def fitted(job):
    train = job.rows("train").select(FEATURES).to_pandas().astype("float64")
    return StandardScaler().fit(train)


def test_the_scaler_is_the_one_scikit_learn_fits_on_the_same_rows(job):
    theirs, ours = fitted(job), job.scaler
    assert list(ours["feature_names_in_"]) == FEATURES
    np.testing.assert_array_equal(np.broadcast_to(ours["n_samples_seen_"], len(FEATURES)), theirs.n_samples_seen_)
    sd = np.sqrt(theirs.var_)
    np.testing.assert_array_less(np.abs(np.array(ours["mean_"]) - theirs.mean_), 1e-12 * np.maximum(np.abs(theirs.mean_), sd))
    np.testing.assert_allclose(ours["scale_"], theirs.scale_, rtol=1e-12)
    np.testing.assert_allclose(ours["var_"], theirs.var_, rtol=1e-12)


@pytest.mark.parametrize("side", SIDES)
def test_both_sides_are_what_scikit_learn_makes_of_them(job, side):
    expected = fitted(job).transform(job.rows(side).select(FEATURES).to_pandas().astype("float64"))
    got = job.side(side).select(FEATURES).to_pandas()[FEATURES].to_numpy("float64")
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-9)


def test_a_scaler_built_from_the_file_transforms_like_the_output(job):
    scaler = StandardScaler()
    for name in ("mean_", "var_", "scale_"):
        setattr(scaler, name, np.array(job.scaler[name]))
    scaler.n_features_in_ = len(FEATURES)
    scaler.feature_names_in_ = np.array(job.scaler["feature_names_in_"], dtype=object)
    raw = job.rows("test").select(FEATURES).to_pandas().astype("float64")
    got = job.side("test").select(FEATURES).to_pandas().to_numpy("float64")
    # The mean's own rounding error is in the file too; scikit-learn has no place for it.
    rest = np.array([column["mean_lo"] for column in job.scaler["columns"]]) / scaler.scale_
    np.testing.assert_allclose(scaler.transform(raw) - rest, got, rtol=1e-12, atol=1e-12)


def test_scikit_learn_trains_on_the_output_as_it_stands(job):
    train, test = (pd.read_parquet(job.out / side) for side in SIDES)
    model = SGDClassifier(random_state=0).fit(train[FEATURES].fillna(0), train["label"])
    assert 0 <= model.score(test[FEATURES].fillna(0), test["label"]) <= 1


def test_the_same_weather_from_parquet_and_from_text_gives_the_same_statistics(tmp_path):
    scalers = []
    for name in ("weather", "weather-csv"):
        # Different file names split differently, so everything is train here.
        run("--in", PROJECT / "fixtures" / name, "--out", tmp_path / name, "--test-size", "0", "--dtype", "float64")
        scalers.append((tmp_path / name / "scaler.json").read_text())
    import json

    first, second = map(json.loads, scalers)
    for key in ("feature_names_in_", "mean_", "var_", "scale_", "n_samples_seen_"):
        assert first[key] == second[key], key


def test_text_reads_like_pandas_reads_it(tmp_path):
    run("--in", PROJECT / "fixtures" / "penguins.csv", "--out", tmp_path / "out", "--test-size", "0", "--dtype", "float64")
    source = pd.read_csv(PROJECT / "fixtures" / "penguins.csv")
    got = pd.read_parquet(tmp_path / "out" / "train")
    assert list(got.columns) == list(source.columns)
    numeric = list(source.select_dtypes("number").columns)
    expected = StandardScaler().fit_transform(source[numeric])
    np.testing.assert_allclose(got[numeric].to_numpy("float64"), expected, rtol=1e-12, atol=1e-12)
    assert got["species"].tolist() == source["species"].tolist()


def test_what_arrow_and_pandas_do_not_take_for_numbers_passes_through(tmp_path):
    frame = pd.DataFrame(
        {
            "x": [1.0, 2.0, 4.0],
            "kind": pd.Categorical([3, 5, 3]),
            "took": pd.to_timedelta([1, 2, 3], unit="s"),
        },
        index=pd.Index([10, 20, 30], name="row"),
    )
    (tmp_path / "in").mkdir()
    frame.to_parquet(tmp_path / "in" / "a.parquet")
    run("--in", tmp_path / "in", "--out", tmp_path / "out", "--test-size", "0", "--dtype", "float64")
    got = pd.read_parquet(tmp_path / "out" / "train")
    assert got.index.name == "row" and got.index.tolist() == [10, 20, 30]
    assert got["kind"].tolist() == [3, 5, 3]
    assert got["took"].tolist() == frame["took"].tolist()
    np.testing.assert_allclose(got["x"], StandardScaler().fit_transform(frame[["x"]])[:, 0], rtol=1e-12)


def test_a_list_names_no_side(tmp_path):
    (tmp_path / "in").mkdir()
    sides = [["train", "test"], ["train", "test"], ["train"], ["test"]]
    pq.write_table(pa.table({"x": [1.0, 2.0, 3.0, 4.0], "side": sides}), tmp_path / "in" / "a.parquet")
    with pytest.raises(AssertionError, match="of --split-by is list<string>, which names no sides"):
        run("--in", tmp_path / "in", "--out", tmp_path / "out", "--split-by", "column:side")
