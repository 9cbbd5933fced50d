"""The random numbers of a SavedModel, set by a recipe: what of encoders a kernel needs besides finding them."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def seeded(path: str, seed: int, out: Path) -> Path:
    """A copy of the SavedModel at `path` in the folder `out`, whose dropout draws by `seed`.

    A SavedModel keeps the seeds that it was written with: with none, TensorFlow refuses to run it deterministically,
    and with some, every run would drop the same. Weights and assets are linked, not copied.
    """
    from tensorflow.core.protobuf import saved_model_pb2

    saved = saved_model_pb2.SavedModel.FromString(Path(path, "saved_model.pb").read_bytes())
    random = np.random.default_rng(seed)
    for graph in saved.meta_graphs:
        for function in graph.graph_def.library.function:
            for node in function.node_def:
                if node.op == "RandomUniform":  # of which dropout is made
                    node.attr["seed"].i, node.attr["seed2"].i = map(int, random.integers(1, 2**31, 2))
    out.mkdir(parents=True)
    (out / "saved_model.pb").write_bytes(saved.SerializeToString(deterministic=True))
    for inner in Path(path).iterdir():
        if inner.is_dir():
            (out / inner.name).symlink_to(inner.resolve(), target_is_directory=True)
    return out
