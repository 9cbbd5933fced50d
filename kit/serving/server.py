"""An inference server: it answers a gateway's questions with functions of the notebook that starts it.

Source of ports, of the limit for the start and of what `serve` and `run_local_gateway` do: kaggle_evaluation, written
anew from its behaviour. gRPC asks for `predict` by the function's name, one question at a time.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from concurrent import futures
from pathlib import Path
from typing import Any

from kit.serving import gateway, payloads

RERUN = "KAGGLE_IS_COMPETITION_RERUN"

PORTS = (50051, *range(60053, 60063))
"""Where a gateway looks for the server: the first of these that was free."""

CHANNEL = (
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.min_ping_interval_without_data_ms", 1_000),
)
"""Messages of any size; a gateway may ask every second whether the server is there."""


class InferenceServer:
    """Answers with `endpoints`, functions that are called by their names; most competitions ask for `predict` only.

    Start it early: a gateway waits 15 minutes for it. What takes long, such as loading a model, can be done when
    `predict` is called first.
    """

    def __init__(self, *endpoints: Callable[..., Any]) -> None:
        if not endpoints or any(getattr(each, "__name__", "<lambda>") == "<lambda>" for each in endpoints):
            raise ValueError("An inference server needs functions with names, such as `predict`.")
        self._endpoints = {each.__name__: each for each in endpoints}

    def serve(self) -> None:
        """Answer until the notebook is stopped, when a gateway asks: in a re-run on Kaggle. Else return at once."""
        if RERUN in os.environ:
            self.started("[::]").wait_for_termination()  # Kaggle's gateway runs on another machine

    def run_local_gateway(self, data: str | Path | None = None, **options: Any) -> None:
        """Answer a gateway in this process, which reads the visible test rows in the folder `data`, and write
        `submission.csv`. Options as of `kit.serving.gateway.Table`. Raises what goes wrong, with its reason."""
        server = self.started("localhost")
        try:
            table = gateway.Table(Path(data or "."), **options)
            with (
                gateway.line(f"localhost:{self.port}") as ask,
                Path("submission.csv").open("w", encoding="utf-8", newline="") as file,
            ):
                table.write(ask, file)
        finally:
            server.stop(0)

    def started(self, host: str) -> Any:
        """The server of gRPC, started on the addresses of `host`; its port is `port`."""
        import grpc

        server = grpc.server(futures.ThreadPoolExecutor(max_workers=1), options=CHANNEL)
        service, method = payloads.METHOD.strip("/").split("/")
        handler = grpc.unary_unary_rpc_method_handler(self._answer)
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: handler}),))
        self.port = free_port()
        server.add_insecure_port(f"{host}:{self.port}")
        server.start()
        return server

    def _answer(self, data: bytes, _: Any) -> bytes:
        name, args, named = payloads.asked(data)
        if name not in self._endpoints:
            raise NotImplementedError(f"No listener for {name} was registered.")
        return payloads.response(self._endpoints[name](*args, **named))


def free_port() -> int:
    """The first of PORTS that is free. Raises ValueError where none is."""
    for port in PORTS:
        with socket.socket() as trying:
            try:
                trying.bind(("localhost", port))
            except OSError:
                continue
        return port
    raise ValueError(f"None of the ports {PORTS} is free.")


def serve(predict: Callable[..., Any], data: str | Path | None = None, **options: Any) -> None:
    """Serve `predict` to a gateway: Kaggle's in a re-run, else one in this process, on the visible rows in `data`.

        from kit.serving import server
        server.serve(predict, "/kaggle/input/competitions/tides")

    `predict(test, sample_submission)` takes the rows of a batch, and gives a prediction for each: a table with the
    target columns, a series, an array or, for one row, a number. `options` are those of `kit.serving.gateway.Table`.
    """
    answering = InferenceServer(predict)
    if RERUN in os.environ:
        answering.serve()
    else:
        answering.run_local_gateway(data, **options)
