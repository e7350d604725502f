"""Classes of whole groups: by the documented numpy, and beside scikit-learn's splitters of groups."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.model_selection import GroupShuffleSplit, StratifiedGroupKFold

from conftest import documented_python, run

ROWS = 20_000
CLASS = 0xF380F604BA8F6316


def table(kind):
    """Groups of very different sizes; a group has one class, or rows of several."""
    random = np.random.default_rng(3)
    sizes = np.concatenate([random.geometric(0.05, ROWS), random.geometric(0.3, ROWS)])
    users = np.repeat(random.permutation(len(sizes)), sizes)[:ROWS]
    users = random.permutation(users)
    by_user = random.choice(5, size=len(sizes), p=[0.5, 0.3, 0.15, 0.04, 0.01])
    labels = by_user[users] if kind == "pure" else np.where(random.random(ROWS) < 0.8, by_user[users], 0)
    return users, labels


def split(folder, users, labels, *flags):
    (folder / "in").mkdir(exist_ok=True)
    ids = np.arange(len(users))
    columns = pa.table({"user": users, "label": labels, "x": ids * 0.5, "id": ids})
    pq.write_table(columns, folder / "in" / "a.parquet", row_group_size=3000)
    base = ["--in", folder / "in", "--out", folder / "out", "--exclude", "id", "--overwrite"]
    run(*base, "--split-by", "group:user", "--stratify", "label", *flags)
    sides = np.full(len(users), "?????")
    for side in (folder / "out").iterdir():
        if side.is_dir():
            sides[pd.read_parquet(side)["id"]] = side.name
    return sides


def largest_remainders(sizes, total):
    exact = sizes * total / sizes.sum()
    low = np.floor(exact).astype(int)
    low[np.argsort(low - exact, kind="stable")[: total - low.sum()]] += 1
    return low


@pytest.mark.parametrize("kind", ["pure", "mixed"])
def test_the_documented_numpy_gives_every_row_the_same_side(tmp_path, kind):
    users, labels = table(kind)
    documented = documented_python("python keys", "python groups")
    keys = documented["integer_key_hashes"](users)
    classes = documented["integer_key_hashes"](labels, 0, CLASS)

    def held_out(sizes):
        test = largest_remainders(sizes, -(-sizes.sum() // 5))
        return test, test

    expected = documented["group_sides"](keys, classes, held_out)
    np.testing.assert_array_equal(split(tmp_path, users, labels), expected)


@pytest.mark.parametrize("kind", ["pure", "mixed"])
def test_groups_are_disjoint_and_shares_as_near_as_those_of_scikit_learn(tmp_path, kind):
    users, labels = table(kind)
    sides = split(tmp_path, users, labels, "--val-size", "0.1")
    of_users = pd.DataFrame({"user": users, "side": sides}).groupby("user")["side"].nunique()
    assert (of_users == 1).all()

    whole = np.bincount(labels)
    largest = np.bincount(users).max()

    def off(held_out, share):
        return np.abs(np.bincount(labels[held_out], minlength=5) - share * whole)

    ours = off(sides == "test", 0.2)
    _, fold = next(StratifiedGroupKFold(n_splits=5, shuffle=True, random_state=0).split(labels, labels, users))
    _, unstratified = next(GroupShuffleSplit(1, test_size=0.2, random_state=0).split(labels, labels, users))
    for held_out in (fold, unstratified):
        assert not set(users[held_out]) & set(np.delete(users, held_out))
    if kind == "pure":
        assert (ours <= largest / 2 + 1).all(), ours
    assert ours.sum() <= off(fold, 0.2).sum() + 5 * largest / 2, (ours, off(fold, 0.2))
    assert ours.sum() < off(unstratified, 0.2).sum() + 5 * largest / 2


def test_a_class_of_one_group_goes_to_one_side_and_nothing_breaks(tmp_path):
    users = np.concatenate([np.arange(4000) // 4, [5000] * 9, [5001]])
    labels = np.concatenate([np.arange(4000) // 4 % 2, [2] * 9, [3]])
    sides = split(tmp_path, users, labels, "--val-size", "0.1")
    assert len(set(sides[users == 5000])) == 1
    for label in (0, 1):
        of_class = sides[labels == label]
        assert [(of_class == side).sum() for side in ("test", "val", "train")] == [400, 200, 1400]
