"""Recipes that a TPU cannot train: all but those of Keras without TensorFlow."""

from __future__ import annotations

from collections.abc import Collection

from kit.errors import KitError
from kit.limits import Kind
from kit.task import imports
from kit.task.catalog import Recipe

TENSORFLOW = ("tensorflow", "tf_keras", "tensorflow_hub", "tensorflow_text", "official")
"""Modules that compute with TensorFlow, which sees no TPU on Kaggle's image: it has tensorflow-cpu."""


def refuse(kind: Kind, recipe: Recipe, modules: Collection[str], words: str) -> None:
    """Raises KitError where a recipe, which imports `modules`, would train on the processor of a TPU's machine.

    `words` are those by which commands name the kernel.
    """
    if kind != "tpu":
        return
    cure = f"kit kernel build {words} --accelerator "
    own = {name.partition(".")[0] for file in recipe.files for name in imports.names(file)}
    if used := sorted(set(TENSORFLOW) & (own | set(modules))):
        raise KitError(
            f"Recipe {recipe.name} cannot train on a TPU: it imports {', '.join(used)}.",
            "TensorFlow on Kaggle's TPU machines sees the processor only, and tf_keras knows nothing else. Networks of "
            "Keras 3 without `tf.*` train on a TPU, by JAX.",
            f"{cure}t4",
        )
    if "keras" not in modules and "jax" not in modules:
        raise KitError(
            f"Recipe {recipe.name} does not use a TPU: it imports neither Keras nor JAX.",
            "It would train on the processor, while this week's TPU hours pass.",
            f"{cure}cpu",
        )
