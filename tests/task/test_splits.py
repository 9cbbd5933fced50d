"""Fold columns, and the rows of a fold."""

from __future__ import annotations

import numpy as np
import pytest

from kit.errors import KitError
from kit.task import splits
from kit.task.contract import Data

COUNT = 60


def data(**columns) -> Data:
    """Sixty rows of two classes, a third of them of class 1."""
    return Data(np.arange(COUNT), np.zeros((COUNT, 1)), np.arange(COUNT) % 3 // 2, **columns)


def test_stratified_folds_have_the_same_share_of_each_class():
    column = splits.column(splits.Stratified(5), data())
    assert [data().y[column == fold].mean() for fold in range(5)] == pytest.approx([1 / 3] * 5)


def test_the_same_seed_gives_the_same_folds_and_another_seed_others():
    assert np.array_equal(splits.Stratified(5)(data()), splits.Stratified(5)(data()))
    assert not np.array_equal(splits.Stratified(5)(data()), splits.Stratified(5, seed=1)(data()))


def test_every_row_is_held_out_once():
    column = splits.column(splits.Shuffled(4), data())
    held = np.concatenate([splits.rows(splits.Shuffled(4), column, fold)[1] for fold in range(4)])
    assert sorted(held) == list(range(COUNT))


@pytest.mark.parametrize("split", [splits.Grouped(3), splits.StratifiedGrouped(3), splits.Holdout(0.25)])
def test_a_group_is_never_cut_in_two(split):
    rows = data(group=np.arange(COUNT) // 5)
    column = splits.column(split, rows)
    assert all(len(np.unique(column[rows.group == group])) == 1 for group in range(COUNT // 5))


def test_a_split_that_cuts_a_group_is_refused_by_the_groups_name():
    rows = data(group=np.repeat(["ann", "bob"], COUNT // 2))
    with pytest.raises(KitError, match="The rows of group 'ann' are in more than one fold"):
        splits.column(splits.Stratified(5), rows)


def test_a_time_split_trains_on_earlier_rows_only():
    split = splits.Time(5)
    column = splits.column(split, data())
    for fold in range(5):
        fitted, held = splits.rows(split, column, fold)
        assert fitted.max() < held.min()
        assert (len(fitted), len(held)) == (10 * (fold + 1), 10)


def test_a_holdout_is_one_fold_of_a_tenth():
    column = splits.column(splits.Holdout(), data())
    assert (column == 0).sum() == 6
    assert (column == -1).sum() == 54
    assert splits.numbers(column) == [0]


def test_all_rows_hold_out_none():
    column = splits.column(splits.AllRows(), data())
    fitted, held = splits.rows(splits.AllRows(), column, -1)
    assert splits.numbers(column) == [-1]
    assert (len(fitted), len(held)) == (COUNT, 0)


def test_folds_can_be_changed_but_not_below_two():
    assert splits.with_folds(splits.Stratified(5, seed=3), 2) == splits.Stratified(2, seed=3)
    with pytest.raises(KitError, match="Cross-validation with 1 fold is not possible"):
        splits.with_folds(splits.Stratified(5), 1)


def test_a_function_of_the_users_own_has_no_folds_to_change():
    with pytest.raises(KitError, match="number of folds of this competition cannot be changed"):
        splits.with_folds(lambda rows: np.arange(COUNT) % 2, 3)


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        (np.zeros(3, int), "returned int64 of shape"),
        (np.zeros(COUNT), "returned float64"),
        (np.arange(COUNT) % 2 * 2, r"fold numbers \[0, 2\]"),
    ],
)
def test_a_column_of_wrong_length_type_or_numbers_is_refused(given, wrong):
    with pytest.raises(KitError, match=wrong):
        splits.column(lambda rows: given, data())


def test_more_folds_than_rows_of_a_class_is_refused():
    with pytest.raises(KitError, match="The rows cannot be split"):
        splits.column(splits.Stratified(50), data())


def test_a_grouped_split_without_groups_says_where_they_belong():
    with pytest.raises(KitError, match="needs to know the group"):
        splits.column(splits.Grouped(3), data())


def test_blocks_of_a_horizon_are_held_out_one_after_the_other_at_the_end():
    rows = Data(np.arange(10), np.arange(10)[:, None], np.zeros(10), time=np.arange(10.0))
    split = splits.Time(2, horizon=3)
    assert split(rows).tolist() == [-1, -1, -1, -1, 0, 0, 0, 1, 1, 1]
    assert splits.rows(split, split(rows), 1, rows.time)[0].tolist() == [0, 1, 2, 3, 4, 5, 6]


def test_rows_within_the_gap_before_a_block_are_not_trained_on():
    days = np.datetime64("2020-01-01") + np.arange(10).astype("timedelta64[D]")
    rows = Data(np.arange(10), np.arange(10)[:, None], np.zeros(10), time=days)
    split = splits.Time(2, horizon=3, gap=2)
    column = split(rows)
    assert [splits.rows(split, column, number, rows.time)[0].tolist() for number in (0, 1)] == [[0, 1], [0, 1, 2, 3, 4]]


def test_a_gap_that_leaves_nothing_to_train_on_is_refused():
    rows = Data(np.arange(6), np.arange(6)[:, None], np.zeros(6), time=np.arange(6.0))
    with pytest.raises(KitError, match="No row lies before the first of 2 blocks of time"):
        splits.Time(2, horizon=2, gap=5)(rows)


def test_a_holdout_keeps_the_share_of_each_class():
    rows = data()
    column = splits.column(splits.Holdout(0.5), rows)
    assert [rows.y[column == part].mean() for part in (0, -1)] == pytest.approx([1 / 3] * 2)
    numbers = Data(rows.ids, rows.x, np.linspace(0, 1, COUNT))
    assert (splits.column(splits.Holdout(0.5), numbers) == 0).sum() == 30


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ([], "are in more than one fold."),
        (["bob"], "fold, and so are those of 1 other group."),
        (["bob", "cy"], "fold, and so are those of 2 other groups."),
    ],
)
def test_a_split_that_cuts_several_groups_says_how_many(others, said):
    rows = data(group=np.resize(["ann", *others], COUNT))
    with pytest.raises(KitError, match="The rows of group 'ann'") as caught:
        splits.column(lambda rows: np.arange(COUNT) // 30, rows)
    assert caught.value.wrong.endswith(said)


def test_five_folds_are_usual():
    kinds = (splits.Stratified, splits.Shuffled, splits.Grouped, splits.StratifiedGrouped)
    assert [len(np.unique(kind()(data(group=np.arange(COUNT) // 5)))) for kind in kinds] == [5] * 4


def test_a_horizon_holds_out_the_last_blocks_of_that_length():
    column = splits.column(splits.Time(2, horizon=10), data())
    assert column.tolist() == [-1] * 40 + [0] * 10 + [1] * 10
    weeks = np.datetime64("2020-01-01") + np.arange(COUNT) * np.timedelta64(7, "D")
    assert splits.column(splits.Time(2, horizon=70), data(time=weeks)).tolist() == column.tolist()
    backwards = splits.column(splits.Time(2, horizon=70), data(time=weeks[::-1]))
    assert backwards.tolist() == column.tolist()[::-1]


def test_rows_within_a_gap_before_a_block_are_not_trained_on():
    split = splits.Time(2, horizon=10, gap=3)
    column = splits.column(split, data())
    assert split.kept(np.arange(COUNT), column, 0).nonzero()[0].tolist() == list(range(37))
    assert split.kept(np.arange(COUNT), column, 1).nonzero()[0].tolist() == list(range(47))


def test_a_block_without_rows_is_no_fold():
    time = np.concatenate([np.arange(40), np.arange(50, 60), np.arange(70, 80)])
    assert splits.column(splits.Time(4, horizon=10), data(time=time)).tolist() == [-1] * 40 + [0] * 10 + [1] * 10


def test_blocks_of_time_that_leave_no_row_to_train_on_are_refused():
    with pytest.raises(KitError, match="No row lies before the first of 6 blocks of time"):
        splits.column(splits.Time(6, horizon=10), data())
