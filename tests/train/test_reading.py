"""Learning curves in words: each verdict holds for curves of its kind and for no others."""

from __future__ import annotations

import pytest

from kit.train import reading


def told(loss, held, **rest):
    return reading.read({"step": list(range(1, len(loss) + 1)), "loss": loss, "val_loss": held, **rest})


@pytest.mark.parametrize(
    ("loss", "held", "verdicts"),
    [
        ([0.6, 0.3, 0.1, 0.02], [0.5, 0.4, 0.5, 0.8], ("memorising",)),
        ([0.69, 0.66, 0.62, 0.58], [0.68, 0.65, 0.62, 0.59], ("underfitting",)),
        ([0.6, 0.5, 0.4, 0.35], [0.55, 0.65, 0.42, 0.43], ("unstable",)),
        ([0.6, 0.5, 0.4, 0.2], [0.5, 0.6, 0.4, 0.5], ("memorising", "unstable")),
        ([0.6, 0.4, 0.3, 0.29], [0.5, 0.4, 0.35, 0.351], ()),
        # Both rise at the end: that is no memorising.
        ([0.6, 0.4, 0.5], [0.5, 0.4, 0.6], ()),
        # It falls on, but far above the training loss: more epochs may help, and the network has learned much.
        ([0.6, 0.3, 0.1], [0.6, 0.5, 0.45], ()),
    ],
)
def test_curves_of_each_kind_are_called_so(loss, held, verdicts):
    assert told(loss, held).verdicts == verdicts


def test_the_best_epoch_and_the_gaps_there_are_told_in_words_too():
    read = told([0.6, 0.3, 0.1], [0.5, 0.4, 0.6], accuracy=[0.7, 0.9, 0.99], val_accuracy=[0.75, 0.8, 0.79])
    assert (read.best, read.epochs) == (2, 3)
    assert read.gap == pytest.approx(0.1) and read.accuracy_gap == pytest.approx(0.1)
    assert read.words == (
        "The lowest validation loss, 0.4, is that of epoch 2 of 3. After it the network memorises: training loss falls "
        "on from 0.3 to 0.1, while validation loss rises to 0.6. Training accuracy is 0.900 there, validation accuracy "
        "0.800."
    )


def test_more_epochs_are_advised_where_the_loss_still_falls():
    assert "more epochs may help." in told([0.6, 0.3, 0.1], [0.6, 0.5, 0.45]).words


@pytest.mark.parametrize("history", [{}, {"loss": [0.5, 0.4]}, {"loss": [0.5], "val_loss": [0.5]}])
def test_a_history_without_both_losses_has_no_reading(history):
    assert reading.read(history) is None


def test_a_loss_that_is_no_number_has_no_reading():
    assert told([0.5, 0.4], [0.5, float("nan")]) is None
