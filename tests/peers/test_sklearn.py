"""The split menu against scikit-learn's splitters, where there is a counterpart."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GroupShuffleSplit, StratifiedShuffleSplit, TimeSeriesSplit

from sklearn.preprocessing import StandardScaler

from conftest import run


def split(folder, frame, *flags):
    """The ids of every side."""
    (folder / "in").mkdir(exist_ok=True)
    frame.assign(id=np.arange(len(frame))).to_parquet(folder / "in" / "a.parquet", row_group_size=997, index=False)
    run("--in", folder / "in", "--out", folder / "out", "--exclude", "id", "--overwrite", *flags)
    return {side.name: np.sort(pd.read_parquet(side)["id"].to_numpy()) for side in (folder / "out").iterdir() if side.is_dir()}


@pytest.mark.parametrize("test_size", [0.2, 0.37, 0.001, 100])
@pytest.mark.parametrize("weights", [[0.5, 0.3, 0.2], [0.98, 0.015, 0.005], [0.25] * 4])
def test_classes_have_as_many_test_rows_as_with_stratified_shuffle_split(tmp_path, test_size, weights):
    rng = np.random.default_rng(len(weights))
    labels = rng.choice(len(weights), 6011, p=weights)
    ours = split(tmp_path, pd.DataFrame({"x": rng.normal(size=6011), "label": labels}), "--stratify", "label", "--label", "label", "--test-size", test_size)
    train, test = next(StratifiedShuffleSplit(1, test_size=test_size, random_state=0).split(labels, labels))
    assert len(ours["test"]) == len(test) and len(ours["train"]) == len(train)
    for side, theirs in (("test", test), ("train", train)):
        counts = [np.bincount(labels[ids], minlength=len(weights)) for ids in (ours[side], theirs)]
        # Remainders that are equal are drawn by lot there.
        assert np.abs(counts[0] - counts[1]).max() <= 1
        ideal = np.bincount(labels) * len(theirs) / len(labels)
        assert np.abs(counts[0] - ideal).max() < 1


def test_groups_are_disjoint_as_with_group_shuffle_split(tmp_path):
    rng = np.random.default_rng(1)
    groups = rng.integers(0, 500, 6000)
    ours = split(tmp_path, pd.DataFrame({"x": rng.normal(size=6000), "user": groups}), "--split-by", "group:user", "--test-size", "0.3")
    train, test = next(GroupShuffleSplit(1, test_size=0.3, random_state=0).split(groups, groups=groups))
    for a, b in ((ours["train"], ours["test"]), (train, test)):
        assert not set(groups[a]) & set(groups[b])
        assert len(a) + len(b) == 6000
        assert abs(len(set(groups[b])) / 500 - 0.3) < 0.07


@pytest.mark.parametrize("gap", [0, 1, 250])
@pytest.mark.parametrize("unit", ["s", "ms", "ns"])
def test_the_latest_rows_and_the_gap_are_those_of_time_series_split(tmp_path, gap, unit):
    rows, held_out = 5000, 1000
    order = np.random.default_rng(gap).permutation(rows)
    times = (np.datetime64("2024-01-01") + order.astype("m8[s]")).astype(f"M8[{unit}]")
    ours = split(tmp_path, pd.DataFrame({"x": order * 0.5, "t": times}), "--split-by", "time:t", "--test-size", held_out, "--gap", f"{gap}s")
    train, test = list(TimeSeriesSplit(n_splits=2, test_size=held_out, gap=gap).split(np.arange(rows)))[-1]
    np.testing.assert_array_equal(np.sort(order[ours["train"]]), train)
    np.testing.assert_array_equal(np.sort(order[ours["test"]]), test)


def test_weighted_moments_are_those_of_standard_scaler(tmp_path):
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"x": rng.normal(1e6, 3, 5000), "y": rng.exponential(1e-3, 5000), "w": rng.exponential(size=5000)})
    frame.loc[rng.random(5000) < 0.1, "y"] = np.nan
    frame.loc[rng.random(5000) < 0.1, "w"] = 0
    ours = split(tmp_path, frame, "--weights", "w")
    train = frame.iloc[ours["train"]]
    theirs = StandardScaler().fit(train[["x", "y"]], sample_weight=train["w"])
    scaler = json.loads((tmp_path / "out" / "scaler.json").read_text())
    assert scaler["feature_names_in_"] == ["x", "y"]
    np.testing.assert_allclose(scaler["mean_"], theirs.mean_, rtol=1e-12)
    np.testing.assert_allclose(scaler["scale_"], theirs.scale_, rtol=1e-9)
