"""What is told of a re-run that gives no score: the kind of error in Kaggle's words, and nothing else.

Source of kinds and words: kaggle.com/code-competition-debugging. By that page the reason is left out so that errors
tell nothing of the hidden rows, and errors count towards the daily limit for the same reason.
"""

from __future__ import annotations

from typing import NamedTuple

from kit.sandbox.watcher import Ending


class Outcome(NamedTuple):
    """A kind of error, and what is said with it."""

    kind: str
    words: str

    @property
    def told(self) -> str:
        """The `errorDescription` of the submission."""
        return f"{self.kind}: {self.words}"


_DIFFERENT = "Note that the hidden dataset can be larger/smaller/different than the public dataset."

TIMEOUT = Outcome("Notebook Timeout", f"Your submission notebook exceeded the allowed runtime. {_DIFFERENT}")

THREW = Outcome(
    "Notebook Threw Exception", f"While rerunning your code, your notebook hit an unhandled error. {_DIFFERENT}"
)

EXCEEDED = Outcome(
    "Notebook Exceeded Allowed Compute",
    "You have violated a code requirement constraint during the rerun, for example requested more RAM or disk than "
    "available.",
)

NOT_FOUND = Outcome(
    "Submission CSV Not Found", "Your notebook did not output the expected submission file (often submission.csv)."
)

SCORING = Outcome(
    "Submission Scoring Error",
    "Your notebook generated a submission file with incorrect format: wrong number of rows or columns, empty values, "
    "or invalid submission values from what is expected.",
)

SERVER = Outcome(
    "Notebook Inference Server Error",
    "There was an issue communicating with your server: a required endpoint is not registered, the notebook crashed, "
    "or a request timed out.",
)

NEVER_STARTED = Outcome(
    "Notebook Inference Server Never Started",
    "The gateway could not connect to the inference server within the time limit.",
)

SYSTEM = Outcome("Kaggle Error", "A system error. The output of the emulator says more.")
"""The only kind that takes no submission of the day."""

OFF = SYSTEM._replace(words="This emulator does not run notebooks. It does with `kit emulator serve --run-kernels`.")


def of(ending: Ending) -> Outcome | None:
    """The kind of error with which a notebook ended; None where it ran to its end."""
    if not ending.started:
        return SYSTEM
    if ending.late:
        return TIMEOUT
    if ending.failure:
        return EXCEEDED
    return THREW if ending.code else None
