"""A gateway for tables: it hands over test rows in batches, and gathers what an inference server predicts for them.

Rows of a later batch cannot be seen before those of an earlier one are predicted, as with kaggle_evaluation, whose
checks of answers these are: a batch of n rows wants n predictions, or a server could wait and answer all of them at the
end.
"""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import pandas as pd

from kit.serving import payloads

ANSWER = 300.0
"""Seconds that a batch may take, as in Kaggle's template."""

Ask = Callable[[bytes], bytes]
"""Sends a request and gives the response to it."""


class Failed(Exception):
    """The server raises, or does not answer: `str(error)` says what, and is for the host only."""


class Wrong(Exception):
    """An answer is no prediction of the batch."""


class Table:
    """The test rows in the file `test` of a folder, in batches of `rows` rows each, or of those that follow one another
    with the same value in the column `by`. `sample` is the sample submission, whose first column names a row, unless
    `keys` are others. With `frames="polars"` tables travel as those of Polars.

    Raises Wrong for an answer that does not fit, and Failed where the server fails.
    """

    def __init__(
        self,
        folder: Path,
        *,
        test: str = "test.csv",
        sample: str = "sample_submission.csv",
        keys: Sequence[str] = (),
        rows: int = 1,
        by: str = "",
        frames: payloads.Frames = "pandas",
    ) -> None:
        self._test, self._sample = pd.read_csv(folder / test), pd.read_csv(folder / sample)
        self._keys = [*(keys or self._sample.columns[:1])]
        self._targets = [column for column in self._sample.columns if column not in self._keys]
        self._rows, self._by, self._frames = rows, by, frames
        if len(self._test) != len(self._sample):
            raise ValueError(f"{test} has {len(self._test)} rows, and {sample} {len(self._sample)}.")
        if by and by not in self._test:
            raise ValueError(f"{test} has no column {by!r}.")
        if set(self._keys) <= set(self._test.columns):  # the sample may be in another order
            self._sample = self._test[self._keys].merge(self._sample, how="left", on=self._keys, validate="1:1")

    def batches(self) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
        """Test rows and rows of the sample, batch by batch."""
        number: np.ndarray = np.arange(len(self._test)) // self._rows
        if self._by:
            number = self._test[self._by].ne(self._test[self._by].shift()).cumsum().to_numpy(int)
        starts = np.flatnonzero(np.diff(number, prepend=-1))
        for start, end in zip(starts, [*starts[1:], len(number)], strict=True):
            yield self._test[start:end].reset_index(drop=True), self._sample[start:end].reset_index(drop=True)

    def predictions(self, ask: Ask) -> Iterator[list[str]]:
        """The rows of the submission, below its header, as texts."""
        for test, sample in self.batches():
            data = ask(payloads.request("predict", (test, sample), self._frames))
            try:
                answer = payloads.answered(data, len(test))
            except ValueError as error:
                raise Wrong(str(error)) from None
            columns = [sample[key] for key in self._keys] + self._columns(answer, len(test))
            yield from ([str(value) for value in row] for row in zip(*columns, strict=True))

    def write(self, ask: Ask, file: TextIO) -> None:
        """Write the submission into an open file."""
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow([*self._keys, *self._targets])
        lines.writerows(self.predictions(ask))

    def _columns(self, answer: Any, count: int) -> list[Any]:
        """The target columns of an answer to a batch of `count` rows."""
        if isinstance(answer, pd.DataFrame):
            if set(self._targets) <= set(answer.columns):
                columns = [answer[target].tolist() for target in self._targets]
            elif answer.shape[1] == len(self._targets):
                columns = [answer.iloc[:, at].tolist() for at in range(answer.shape[1])]
            else:
                raise Wrong(f"a table without the columns {', '.join(self._targets)}")
        else:
            array = np.asarray(answer.tolist() if isinstance(answer, pd.Series) else answer)
            if array.dtype.kind not in "biufUO" or array.ndim > 2:
                raise Wrong(f"an answer of type {type(answer).__name__}")
            array = array.reshape(-1, 1) if array.ndim < 2 else array
            if len(self._targets) != array.shape[1]:
                raise Wrong(f"{array.shape[1]} columns for {len(self._targets)} targets")
            columns = [array[:, at].tolist() for at in range(array.shape[1])]
        if any(len(column) != count for column in columns):
            raise Wrong(f"{len(columns[0])} predictions for {count} rows")
        return columns


class Line:
    """A line to an inference server, which asks it: `line(request)` is the response.

    An answer may take `seconds`. It raises Failed where the server raises, answers too late, or is gone.
    """

    def __init__(self, channel: Any, seconds: float) -> None:
        self._channel, self._seconds = channel, seconds
        self._send = channel.unary_unary(payloads.METHOD)

    def ready(self, seconds: float) -> bool:
        """Whether somebody listens, within so many seconds."""
        import grpc

        waiting = grpc.channel_ready_future(self._channel)
        try:
            waiting.result(timeout=seconds)
        except grpc.FutureTimeoutError:
            return False
        finally:
            waiting.cancel()
        return True

    def __call__(self, data: bytes) -> bytes:
        """The response to a request."""
        import grpc

        try:
            answer: bytes = self._send(data, timeout=self._seconds)
        except grpc.RpcError as error:
            raise Failed(f"{error.code().name}: {error.details()}") from None
        return answer


@contextlib.contextmanager
def line(address: str, *, seconds: float = ANSWER, most: int = -1) -> Iterator[Line]:
    """A line to the server at an address of gRPC, whose answers may take so many seconds and have so many bytes."""
    import grpc

    limits = (("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", most))
    patience = (("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 1000))
    options = (*limits, *patience, ("grpc.enable_http_proxy", 0))  # or a proxy would be asked for localhost
    with grpc.insecure_channel(address, options=options) as channel:
        yield Line(channel, seconds)
