"""The emulator's time, which a test can set and advance."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clock:
    """Wall time in UTC plus an offset: midnight, a deadline or a quota week can be reached at once."""

    def __init__(self) -> None:
        self._offset = timedelta()

    def now(self) -> datetime:
        """The emulator's present moment."""
        return datetime.now(UTC) + self._offset

    def set(self, moment: datetime) -> None:
        """Make it `moment` now; time runs on from there. A moment without a zone is UTC."""
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        self._offset = moment - datetime.now(UTC)

    def advance(self, **span: float) -> None:
        """Move on by a span in timedelta's words: `advance(days=1)`."""
        self._offset += timedelta(**span)


def text(moment: datetime) -> str:
    """A moment as Kaggle writes it, `2026-01-01T00:00:00.000Z`; such texts sort by time."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def moment(text: str) -> datetime:
    """The moment that a text of ISO 8601 names; UTC where it names no zone."""
    named = datetime.fromisoformat(text)
    return named if named.tzinfo else named.replace(tzinfo=UTC)
