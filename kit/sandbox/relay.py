"""Runs a program, and lets one outside its walls reach what listens within: `python relay.py SOCKET PORTS PROGRAM...`.

SOCKET is the path of a Unix socket that is made here. Whoever connects to it is connected to the first of PORTS,
numbers with commas between them, on which something listens on loopback; where nothing does, the connection ends. The
exit status is the program's. Walls keep out networks, but not sockets that are files in a folder which both sides see.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading

PIECE = 1 << 16


def main(path: str, ports: str, program: list[str]) -> int:
    """Run the program beside the relay; its exit status."""
    listener = socket.socket(socket.AF_UNIX)
    os.chdir(os.path.dirname(path))  # such paths are short, and folders' may be long
    listener.bind(os.path.basename(path))
    listener.listen()
    os.chdir(os.environ["RELAY_CWD"])
    threading.Thread(target=accept, args=(listener, [int(port) for port in ports.split(",")]), daemon=True).start()
    environment = {name: value for name, value in os.environ.items() if name != "RELAY_CWD"}
    child = subprocess.Popen(program, env=environment, close_fds=False)
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    code = child.wait()
    return code if code >= 0 else 128 - code


def accept(listener: socket.socket, ports: list[int]) -> None:
    """Connect whoever comes."""
    while True:
        outside, _ = listener.accept()
        inside = reached(ports)
        if inside is None:
            outside.close()
            continue
        for one, other in ((outside, inside), (inside, outside)):
            threading.Thread(target=pump, args=(one, other), daemon=True).start()


def reached(ports: list[int]) -> socket.socket | None:
    """A connection to the first port that answers."""
    for port in ports:
        for host in ("127.0.0.1", "::1"):
            try:
                return socket.create_connection((host, port), timeout=None)
            except OSError:
                continue
    return None


def pump(source: socket.socket, target: socket.socket) -> None:
    """Hand on what comes, until one side ends."""
    with contextlib.suppress(OSError):
        while piece := source.recv(PIECE):
            target.sendall(piece)
    for each in (source, target):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
