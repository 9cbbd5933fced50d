"""The example workflow for CI: its own lines, run as they stand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

WORKFLOW = Path(__file__).resolve().parents[2] / ".github" / "workflows" / "dry-run.yml"


def test_the_workflows_own_lines_download_train_submit_and_print_the_leaderboard(tmp_path):
    text = WORKFLOW.read_text(encoding="utf-8").partition("- name: Download, train, submit, compare\n")[2]
    script = textwrap.dedent(text.partition("run: |\n")[2])
    environment = {name: value for name, value in os.environ.items() if not re.match("KAGGLE|KIT", name)}
    environment |= {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "TMPDIR": str(tmp_path),
    }
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^public score +0\.9\d{4}$", done.stdout, re.M)
    assert re.search(r"^kit: rank \d+, top [\d.]+ %, score 0\.9\d{4}", done.stdout, re.M)
    assert list(tmp_path.glob("*/downloaded/digit-recognizer.zip"))
    token = re.search(r"KAGGLE_API_TOKEN=(\S+)", done.stdout + done.stderr)
    assert token is None
