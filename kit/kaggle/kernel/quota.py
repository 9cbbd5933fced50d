"""How much of this week's accelerator time is left."""

from __future__ import annotations

from kit.errors import KitError
from kit.kaggle.client import Client, Refusal
from kit.kaggle.kernel.accelerators import Accelerator
from kit.notes import tell


def show(client: Client, machine: Accelerator, expected: float = 0.0) -> None:
    """Say how much of this week's accelerator time is used; nothing for a processor. Warn where the run is `expected`
    to take more seconds than are left.

    Raises KitError when none is left. A quota that cannot be asked for is said so, and stops nothing.
    """
    if machine.kind == "cpu":
        return
    try:
        answer = client.ask("Asking for the quota", "kernels.get_accelerator_quota_statistics", safe=True)
    except Refusal as refusal:
        return tell(f"This week's quota is not known: {refusal.wrong}")
    quota = answer.gpu_quota if machine.kind == "gpu" else answer.tpu_quota
    if quota is None:
        return tell("This week's quota is not known: the answer does not hold it.")
    used, total = (time.total_seconds() / 3600 for time in (quota.time_used, quota.total_time_allowed))
    resets = f"{answer.quota_refresh_time:%A %d %B %H:%M} UTC" if answer.quota_refresh_time else "next week"
    kind = machine.kind.upper()
    tell(f"{kind} quota: {used:.1f} of {total:.0f} h used this week, {max(total - used, 0):.1f} h left until {resets}.")
    if used >= total:
        raise KitError(
            f"No {kind} time is left this week.",
            f"{used:.1f} of {total:.0f} h are used; it resets {resets}.",
            "--accelerator cpu",
        )
    if expected > (total - used) * 3600:
        tell(f"Warning: the kernel may take {expected / 3600:.1f} h, which is more than is left this week.")
    return None
