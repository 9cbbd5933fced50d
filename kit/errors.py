"""The one exception that a user is meant to see."""

from __future__ import annotations

from kit.words import printable

LONGEST = 1_000
"""Characters of what is wrong, in one line: a longer one, as with a name without end, is cut in its midst."""


class KitError(Exception):
    """A problem the user can fix.

    The message says what is wrong, `right` what would be right, `cure` the command that gets there. Anything else
    that is raised is a defect of kit and keeps its traceback.
    """

    def __init__(self, wrong: str, right: str = "", cure: str = "") -> None:
        wrong = printable(" ".join(wrong.splitlines()))
        if len(wrong) > LONGEST:
            wrong = f"{wrong[: LONGEST // 2]} ... {wrong[-LONGEST // 2 + 5 :]}"
        self.wrong, self.right, self.cure = wrong, printable(right), printable(cure)
        super().__init__(wrong)

    def __str__(self) -> str:
        lines = [self.wrong]
        if self.right:
            lines.append(self.right)
        if self.cure:
            lines.append(f"Try: {self.cure}")
        return "\n".join(lines)
