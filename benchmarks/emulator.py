"""Two hundred clients at once submit 28,000-row files to the emulator, and each waits for its score.

    python -m benchmarks.emulator --clients 200 --rounds 3

The emulator and the clients are processes of their own on this machine; the clients are threads that speak plain HTTP
over loopback, each with its own account and connection. A client asks for an upload, puts the file, submits it, and
asks every second whether it is scored. Any answer but the right one, a cut connection or a wrong score is an error.
Grading alone is timed in this process.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

ROWS = 28_000
PATIENCE = 300.0
"""Seconds after which a client gives up, and the benchmark fails."""

SERVE = """
import sys
from pathlib import Path
from kit.emulator import hosting, local
root, state = map(Path, sys.argv[1:])
with local.opened(state, hosting.user_made(root)) as emulator:
    print(emulator.url, flush=True)
    sys.stdin.read()  # until the benchmark closes it
"""


def competition(root: Path) -> bytes:
    """A competition of ten classes in `root/digits`; a submission with 70 % of its rows right."""
    folder = root / "digits"
    (folder / "public").mkdir(parents=True)
    (folder / "private").mkdir()
    told = {"title": "Digits", "metric": "accuracy", "id": "ImageId", "target": "Label", "labels": list(range(10))}
    (folder / "competition.json").write_text(json.dumps(told))
    rows = [f"{n},{n % 10}" for n in range(1, ROWS + 1)]
    (folder / "private" / "solution.csv").write_text("\n".join(["ImageId,Label", *rows]) + "\n")
    mine = [f"{n},{n % 10 if n % 10 < 7 else 0}" for n in range(1, ROWS + 1)]
    return ("\n".join(["ImageId,Label", *mine]) + "\n").encode()


def grading(root: Path, data: bytes, rounds: int = 7) -> float:
    """Seconds to grade one file, the median, once the solution is read."""
    from kit.emulator import grading, hosting

    hosted = hosting.user_made(root)[0]
    grading.grade(hosted, data)
    taken = []
    for _ in range(rounds):
        started = time.perf_counter()
        grading.grade(hosted, data)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


class Client:
    """One account's client, on one connection."""

    def __init__(self, port: int, token: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def call(self, method: str, **body: Any) -> dict[str, Any]:
        """Call a method of the service of competitions."""
        path = f"/api/v1/competitions.CompetitionApiService/{method}"
        return self._send("POST", path, json.dumps(body).encode(), self._headers)

    def round(self, data: bytes) -> tuple[float, float]:
        """Submit a file: seconds until it is accepted, and until it is scored."""
        started = time.perf_counter()
        size = len(data)
        told = self.call("StartSubmissionUpload", competitionName="digits", contentLength=size, fileName="s.csv")
        self._send("PUT", "/upload/" + told["token"], data, {})
        ref = self.call("CreateSubmission", competitionName="digits", blobFileTokens=told["token"])["ref"]
        accepted = time.perf_counter() - started
        while time.perf_counter() - started < PATIENCE:
            found = self.call("GetSubmission", ref=ref)
            if found["status"] != "PENDING":
                if found["status"] != "COMPLETE" or not 0.69 < float(found["publicScore"]) < 0.71:
                    raise RuntimeError(f"submission {ref} ended as {found['status']} {found['publicScore']}")
                return accepted, time.perf_counter() - started
            time.sleep(1)
        raise TimeoutError(f"submission {ref} is still pending")

    def _send(self, verb: str, path: str, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
        self._connection.request(verb, path, body, headers)
        response = self._connection.getresponse()
        found: dict[str, Any] = json.loads(response.read() or b"{}")
        if response.status != 200:
            raise RuntimeError(f"{verb} {path} answered {response.status}: {found}")
        return found


def at_once(port: int, tokens: list[str], data: bytes) -> tuple[list[tuple[float, float]], list[str], float]:
    """All clients at once: what each took, what went wrong, and the seconds until the last was done."""
    taken: list[tuple[float, float]] = []
    errors: list[str] = []
    ready = threading.Barrier(len(tokens))

    def one(token: str) -> None:
        ready.wait()
        try:
            taken.append(Client(port, token).round(data))
        except Exception as error:
            errors.append(f"{type(error).__name__}: {error}")

    threads = [threading.Thread(target=one, args=(token,)) for token in tokens]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return taken, errors, time.perf_counter() - started


def main() -> int:
    """Print a table, one line a round; the exit status is 1 after any error."""
    asked = argparse.ArgumentParser(prog="python -m benchmarks.emulator", description=main.__doc__)
    asked.add_argument("--clients", type=int, default=200)
    asked.add_argument("--rounds", type=int, default=3)
    args = asked.parse_args()

    from kit.emulator.store import Store

    with tempfile.TemporaryDirectory(prefix="kit-benchmark-") as name:
        root, state = Path(name) / "hosted", Path(name) / "state"
        data = competition(root)
        seconds = grading(root, data)
        server = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(root), str(state)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert server.stdout is not None
            port = int(server.stdout.readline().rpartition(":")[2])
            store = Store(state)
            tokens = []
            for number in range(args.clients):
                user = store.user(f"client-{number:03d}")
                store.accept("digits", user.name, "2026-01-01T00:00:00.000Z")
                tokens.append(user.token)
            store.close()
            print(f"{platform.platform()}, {len(os.sched_getaffinity(0))} cores, Python {platform.python_version()}, ")
            print(f"load {os.getloadavg()[0]:.1f} before, file of {len(data):,} bytes and {ROWS:,} rows.\n")
            print(f"Grading one file: {seconds:.3f} s.\n")
            print("| round | clients | errors | accepted median s | accepted max s | scored median s | last scored s |")
            print("|---|---|---|---|---|---|---|")
            failed = 0
            for number in range(1, args.rounds + 1):
                taken, errors, _ = at_once(port, tokens, data)
                failed += len(errors)
                accepted, scored = zip(*taken, strict=True) if taken else ((0.0,), (0.0,))
                print(
                    f"| {number} | {args.clients} | {len(errors)} | {statistics.median(accepted):.2f} "
                    f"| {max(accepted):.2f} | {statistics.median(scored):.2f} | {max(scored):.2f} |"
                )
                for error in errors[:5]:
                    print(error, file=sys.stderr)
        finally:
            server.communicate(timeout=30)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
