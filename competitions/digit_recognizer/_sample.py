"""The embedded sample: scikit-learn's 1,797 handwritten digits in the competition's own file format.

Source: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998.
"""

from pathlib import Path

import numpy as np


def write(raw: Path) -> None:
    """Write `train.csv` (1,347 rows), `test.csv` (450), `sample_submission.csv` and the answers, `solution.csv`.

    The 8x8 images of 0 to 16 are enlarged to 20x20, bicubic, and centred in 28x28 by their mass, as MNIST's are.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = np.stack([_enlarge(image) for image in digits.images])
    order = np.random.default_rng(0).permutation(len(images))
    fit, held = order[:1347], order[1347:]
    pixels = ",".join(f"pixel{i}" for i in range(784))
    flat = images.reshape(-1, 784)
    labelled = np.column_stack([digits.target[fit], flat[fit]])
    np.savetxt(raw / "train.csv", labelled, "%d", ",", header=f"label,{pixels}", comments="")
    np.savetxt(raw / "test.csv", flat[held], "%d", ",", header=pixels, comments="")
    ids = np.arange(1, len(held) + 1)
    for name, labels in (("sample_submission.csv", np.zeros(len(held))), ("solution.csv", digits.target[held])):
        np.savetxt(raw / name, np.column_stack([ids, labels]), "%d", ",", header="ImageId,Label", comments="")


def _enlarge(image: np.ndarray) -> np.ndarray:
    from scipy import ndimage

    large = np.clip(ndimage.zoom(image / 16, 20 / 8, order=3), 0, 1)
    row, column = ndimage.center_of_mass(large)
    canvas = np.pad(large, 4)
    return np.rint(np.clip(ndimage.shift(canvas, (9.5 - row, 9.5 - column), order=1), 0, 1) * 255).astype(np.uint8)
