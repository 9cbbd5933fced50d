"""The one exception that a user is meant to see."""

from __future__ import annotations


class KitError(Exception):
    """A problem the user can fix.

    The message says what is wrong, `right` what would be right, `cure` the command that gets there. Anything else
    that is raised is a defect of kit and keeps its traceback.
    """

    def __init__(self, wrong: str, right: str = "", cure: str = "") -> None:
        self.wrong, self.right, self.cure = wrong, right, cure
        super().__init__(wrong)

    def __str__(self) -> str:
        lines = [self.wrong]
        if self.right:
            lines.append(self.right)
        if self.cure:
            lines.append(f"Try: {self.cure}")
        return "\n".join(lines)
