"""A scaler beyond its run against scikit-learn's StandardScaler, which is fitted once and applied to other data."""

import json
import os
import subprocess

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import StandardScaler

from conftest import binary

ROWS = 6000


def prep(*arguments):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PREP_")}
    command = [str(argument) for argument in (binary(), *arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


def frame(seed):
    rng = np.random.default_rng(seed)
    return pd.DataFrame({
        "large": 1e6 + rng.normal(size=ROWS),
        "count": rng.integers(0, 1000, ROWS).astype("int32"),
        "holes": np.where(rng.random(ROWS) < 0.1, np.nan, rng.lognormal(size=ROWS)),
        "id": np.arange(ROWS) + seed * ROWS,
    })


@pytest.fixture
def days(tmp_path):
    for seed in range(3):
        (tmp_path / "in").mkdir(exist_ok=True)
        frame(seed).to_parquet(tmp_path / "in" / f"{seed}.parquet", row_group_size=1009, index=False)
    return tmp_path


def fit(folder, name, out):
    prep("fit", "--in", folder / "in" / name, "--root", folder / "in", "--out", folder / out, "--test-size", "0", "--exclude", "id")
    return folder / out / "scaler.json"


def test_new_data_and_its_inverse_are_those_of_standard_scaler(days):
    scaler = fit(days, "0.parquet", "fitted")
    features = ["large", "count", "holes"]
    theirs = StandardScaler().fit(frame(0)[features])
    new = frame(1)
    prep("transform", "--scaler", scaler, "--in", days / "in" / "1.parquet", "--out", days / "z")
    ours = pd.read_parquet(days / "z" / "data")
    np.testing.assert_allclose(ours[features], theirs.transform(new[features]), rtol=1e-9, atol=1e-9)
    pd.testing.assert_series_equal(ours["id"], new["id"])
    prep("transform", "--scaler", scaler, "--in", days / "z" / "data", "--out", days / "x", "--inverse")
    back = pd.read_parquet(days / "x" / "data")
    np.testing.assert_allclose(back[features], new[features], rtol=4 * np.finfo(float).eps, atol=1e-12)
    np.testing.assert_allclose(back[features], theirs.inverse_transform(ours[features]), rtol=1e-9, atol=1e-9)


def test_days_fitted_apart_and_merged_are_those_of_partial_fit(days):
    parts = [fit(days, f"{seed}.parquet", f"fitted-{seed}") for seed in range(3)]
    prep("merge", *parts, "--out", days / "all.json")
    ours = json.loads((days / "all.json").read_text())
    theirs = StandardScaler()
    for seed in range(3):
        theirs.partial_fit(frame(seed)[["large", "count", "holes"]])
    assert ours["n_samples_seen_"] == list(theirs.n_samples_seen_)
    np.testing.assert_allclose(ours["mean_"], theirs.mean_, rtol=1e-12)
    np.testing.assert_allclose(ours["var_"], theirs.var_, rtol=1e-9)
    np.testing.assert_allclose(ours["scale_"], theirs.scale_, rtol=1e-9)
