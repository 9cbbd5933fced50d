"""A kernel as a submission: code competitions take the version that made the file, and run it on hidden rows."""

from __future__ import annotations

from typing import Any

from kit.errors import KitError
from kit.kaggle import client as connection
from kit.kaggle import send
from kit.kaggle.client import Client
from kit.kaggle.ledger import Attempt
from kit.kaggle.submit import Parcel
from kit.task.catalog import Entry


def submit(entry: Entry, parcel: Parcel, kaggle: Client, *, force: bool) -> tuple[Attempt, bool]:
    """Submit the version of a kernel that the parcel names, or that left its run; as `send.file`, which is for files.

    Raises KitError when the run was not pulled from a kernel on this server, and what `send.once` raises.
    """
    kernel = (parcel.run.kaggle().get("kernel") if parcel.run else None) or {}
    if parcel.kernel:
        ref, _, number = parcel.kernel.rpartition("/")
        kernel = {"ref": ref, "version": number}
    elif not str(kernel.get("url", "")).startswith(connection.site()):
        raise KitError(
            f"{parcel.run.name if parcel.run else parcel.file.name} was not left by a kernel on {connection.server()}.",
            "Only a pushed kernel can be submitted as code.",
            f"kit push {entry.name} {parcel.run.plan.label if parcel.run else ''}".rstrip() + " --code",
        )
    name = send.slug(entry)

    def create(description: str) -> Any:
        return kaggle.call(
            "Submitting the kernel",
            kaggle.api.competition_submit_code,
            parcel.file.name,
            description,
            name,
            kernel["ref"],
            str(kernel["version"]),
            safe=False,
            slug=name,
        )

    return send.once(entry, parcel, kaggle, lambda: create, force=force)
