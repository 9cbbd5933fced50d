"""The inference server of a competition that carries this package as `kaggle_evaluation`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from kit.serving import server


class DefaultInferenceServer(server.InferenceServer):
    """Knows how the gateway of its competition hands over test rows: it stands in `gateway.json` beside this file.

    from kaggle_evaluation.default_inference_server import DefaultInferenceServer
    server = DefaultInferenceServer(predict)
    if os.getenv("KAGGLE_IS_COMPETITION_RERUN"):
        server.serve()
    else:
        server.run_local_gateway()
    """

    def run_local_gateway(self, data_paths: Sequence[str | Path] = ()) -> None:  # type: ignore[override]
        """Try the server on the visible test rows: in the first of `data_paths`, else in the competition's folder."""
        here = Path(__file__).resolve()
        options = json.loads(here.with_name("gateway.json").read_text(encoding="utf-8"))
        super().run_local_gateway([*data_paths, here.parent.parent][0], **options)
