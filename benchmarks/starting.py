"""How long the verbs take that must feel instant, as whole processes.

    python -m benchmarks.starting

Needs `kit download digit-recognizer`, for the dry run of a file of 28,000 rows.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main() -> None:
    """Print the median and the longest of ten starts of each."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "mine.csv"
        file.write_text("ImageId,Label\n" + "".join(f"{n},{n % 10}\n" for n in range(1, 28_001)))
        for words in (
            ["--help"],
            ["list"],
            ["list", "digit-recognizer"],
            ["runs"],
            ["submit", "digit-recognizer", str(file), "--dry-run"],
        ):
            taken = []
            for _ in range(10):
                started = time.perf_counter()
                subprocess.run([sys.executable, "-m", "kit", *words], check=True, capture_output=True)
                taken.append(time.perf_counter() - started)
            shown = " ".join("mine.csv" if word == str(file) else word for word in words)
            print(f"kit {shown:44} median {statistics.median(taken):.3f} s, longest {max(taken):.3f} s", flush=True)


if __name__ == "__main__":
    main()
