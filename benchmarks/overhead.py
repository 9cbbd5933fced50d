"""What `kit train` costs over a plain script that fits the same folds, and what determinism costs.

    python -m benchmarks.overhead --rounds 3

Needs `kit download digit-recognizer`. Three programs take turns, each in a process of its own: a plain script that
reads the same arrays, makes the same folds with scikit-learn, trains the network of recipe `cnn` with Keras and writes
a submission; `kit train --no-deterministic`; and `kit train`. The ratios are taken within a round. Beside seconds of
wall clock, processor seconds of the whole process are told, which other work on the machine disturbs less.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from kit import places

# The plain script's network: the practical's order of layers, in float32.
SETTINGS = {"epochs": 2, "augment": False, "pool_first": False, "precision": "float32"}
FOLDS = 3

PLAIN = """
import os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
import keras, numpy as np
from keras import layers
from sklearn.model_selection import StratifiedKFold

arrays, out = sys.argv[1:]
x, y, test = (np.load(f"{arrays}/{name}.npy", mmap_mode="r") for name in ("x", "y", "test"))
y = np.asarray(y)
oof, mean = np.zeros((len(y), 10), np.float32), np.zeros((len(test), 10), np.float32)
for number, (fitted, held) in enumerate(StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(y, y)):
    keras.utils.clear_session()
    keras.utils.set_random_seed(number + 1)
    inputs = keras.Input((28, 28))
    images = layers.Reshape((28, 28, 1))(layers.Rescaling(1 / 255)(inputs))
    for count, kernel in ((32, 5), (32, 3), (64, 3)):
        images = layers.Conv2D(count, kernel, padding="same", use_bias=False)(images)
        images = layers.BatchNormalization(momentum=0.95)(images)
        images = layers.Dropout(0.1)(layers.MaxPooling2D(2)(layers.Activation("relu")(images)))
    hidden = layers.Dense(256, activation="relu")(layers.Flatten()(images))
    model = keras.Model(inputs, layers.Dense(10, activation="softmax")(hidden))
    steps = -(-len(fitted) // 128) * EPOCHS
    climb = int(steps * 0.2)
    rate = keras.optimizers.schedules.CosineDecay(2e-4, steps - climb, warmup_target=2e-3, warmup_steps=climb)
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"],
                  steps_per_execution=8)
    model.fit(x[fitted], y[fitted], batch_size=128, epochs=EPOCHS, validation_data=(x[held], y[held]),
              validation_batch_size=512, verbose=0)
    model.save(f"{out}/model-{number}.keras")
    oof[held] = model.predict(x[held], batch_size=512, verbose=0)
    mean += model.predict(test, batch_size=512, verbose=0) / FOLDS
np.savez(f"{out}/oof.npz", oof)
np.savetxt(f"{out}/submission.csv", np.column_stack([np.arange(1, len(test) + 1), mean.argmax(1)]), "%d", ",",
           header="ImageId,Label", comments="")
print("accuracy", (oof.argmax(1) == y).mean())
"""


def arrays(folder: Path) -> None:
    """The competition's images and labels as `.npy`, for the plain script."""
    import numpy as np

    from kit.task import catalog

    train, test = catalog.find("digit-recognizer").competition.load(places.data("digit-recognizer") / "public")
    for name, array in (("x", train.x), ("y", train.y), ("test", test.x)):
        np.save(folder / f"{name}.npy", array)


def main() -> None:
    """Run the rounds and print seconds and ratios."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=3)
    rounds = options.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        arrays(folder)
        script = folder / "plain.py"
        script.write_text(PLAIN.replace("FOLDS", str(FOLDS)).replace("EPOCHS", str(SETTINGS["epochs"])))
        home = folder / "home"
        (home / "data").mkdir(parents=True)
        (home / "data" / "digit-recognizer").symlink_to(places.data("digit-recognizer"))
        train = [sys.executable, "-m", "kit", "train", "digit-recognizer", "cnn", "--folds", str(FOLDS), "--no-plots"]
        train += [word for key, value in SETTINGS.items() for word in ("--set", f"{key}={value}")]
        programs = {
            "plain script": [sys.executable, str(script), str(folder), str(folder)],
            "kit, any order of sums": [*train, "--no-deterministic"],
            "kit": train,
        }
        taken: dict[str, list[float]] = {program: [] for program in programs}
        used: dict[str, list[float]] = {program: [] for program in programs}
        for number in range(rounds):
            for program, words in programs.items():
                shutil.rmtree(home / "submissions", ignore_errors=True)
                started, before = time.perf_counter(), processor()
                subprocess.run(words, check=True, env=os.environ | {"KIT_HOME": str(home)}, stderr=subprocess.DEVNULL)
                taken[program].append(time.perf_counter() - started)
                used[program].append(processor() - before)
                said = f"{taken[program][-1]:.1f} s, {used[program][-1]:.1f} processor seconds"
                print(f"round {number + 1}: {program}: {said}", flush=True)
    for program in programs:
        said = [ratio(figures, program) for figures in (taken, used)]
        print(f"{program:24} {said[0]} of wall clock, {said[1]} of processors, as multiples of the plain script")


def processor() -> float:
    """Processor seconds of all processes that this one started and that have ended."""
    found = resource.getrusage(resource.RUSAGE_CHILDREN)
    return found.ru_utime + found.ru_stime


def ratio(figures: dict[str, list[float]], program: str) -> str:
    """The median over rounds of a program's figure by the plain script's of the same round."""
    pairs = zip(figures[program], figures["plain script"], strict=True)
    return f"{statistics.median(mine / theirs for mine, theirs in pairs):.3f}"


if __name__ == "__main__":
    main()
