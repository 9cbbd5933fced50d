"""Batches for tf_keras: the same ones in the same order as tf_keras would take them itself, epoch by epoch."""

import numpy as np
import pytest

tf_keras = pytest.importorskip("tf_keras")

from kit.toolbox.encoders import feeding  # noqa: E402


class Counted(tf_keras.utils.Sequence):
    """Batches of different sizes that differ from epoch to epoch."""

    epoch = 0

    def __len__(self):
        return 3

    def __getitem__(self, number):
        count = 2 - number // 2  # the last one is smaller
        return {"a": np.full((count, 1 + number), 10 * self.epoch + number, np.int32)}, np.ones(count, np.float32)

    def on_epoch_end(self):
        self.epoch += 1


def test_every_epoch_has_all_batches_in_order_and_the_next_one_comes_after_its_end():
    seen, batches = [], Counted()

    class Model(tf_keras.Model):
        def train_step(self, data):
            return {"loss": 0.0}

    class Kept(tf_keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            seen.append([(x["a"].numpy().tolist(), y.numpy().tolist()) for x, y in made])

    made, model = feeding.still(batches), Model()
    model.compile()
    model.fit(made, epochs=2, verbose=0, callbacks=[Kept(), feeding.follower(batches)])
    wanted = [[([[10 * e + n] * (1 + n)] * (2 - n // 2), [1.0] * (2 - n // 2)) for n in range(3)] for e in range(2)]
    assert seen == wanted
    assert batches.epoch == 2 and made.cardinality().numpy() == 3
