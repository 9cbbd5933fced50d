"""The watcher: every limit ends a kernel with all its processes, and so does the end of the process that wanted it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
from pathlib import Path

import pytest

from kit.limits import DISK
from kit.sandbox import folders, keeper, kernel, usage, walls, watcher
from kit.sandbox.limits import Limits
from tests.sandbox.conftest import living

boxed = pytest.mark.usefixtures("namespaces")


@pytest.fixture(params=["namespaces", "nothing"])
def kept(request: pytest.FixtureRequest) -> kernel.Kept:
    """What keeps the kernel in: the limits hold with walls and without."""
    if request.param == "namespaces":
        request.getfixturevalue("namespaces")
    return request.param


def test_a_kernel_that_ends_by_itself_says_how(run, kept):
    done = run("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)", kept=kept)
    assert (done.ending.code, done.ending.failure) == (3, "")
    assert (done.out, done.err) == ("out\n", "err\n")
    done = run("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", kept=kept)
    assert (done.ending.code, done.ending.failure) == (128 + signal.SIGKILL, "")


def test_time_is_limited(run, kept):
    done = run("import time; time.sleep(60)", kept=kept, seconds=1)
    assert done.ending.failure == "it took longer than 1 s"
    assert done.ending.seconds < 10
    assert living(done.folder) == []


def test_processes_are_limited(run, kept):
    code = "import os, time\nfor n in range(60):\n    if not os.fork():\n        time.sleep(60)\ntime.sleep(60)"
    done = run(code, kept=kept, processes=40)
    assert done.ending.failure == "it ran more than 40 processes"
    assert living(done.folder) == []


@boxed
def test_a_fork_bomb_is_ended_with_every_process_of_it(run, monkeypatch):
    monkeypatch.setattr(Limits, "tasks", 400)
    code = "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass"
    done = run(code, processes=100)
    assert done.ending.failure == "it ran more than 100 processes"
    assert living(done.folder) == []


@boxed
def test_the_system_starts_no_more_threads_than_a_kernel_may_have(run, monkeypatch):
    if tuple(map(int, os.uname().release.split(".")[:2])) < (5, 14):
        pytest.skip("before Linux 5.14 the user's other processes would count")
    monkeypatch.setattr(Limits, "tasks", 50)
    code = """
import threading
stop = threading.Event()
threads = []
try:
    for n in range(100):
        threads.append(threading.Thread(target=stop.wait))
        threads[-1].start()
except RuntimeError as error:
    print(len(threads), error)
stop.set()
"""
    done = run(code)
    assert done.out == "49 can't start new thread\n"  # the keeper's process and the main thread count too


def test_memory_is_limited(run, kept):
    done = run("held = bytearray(400 << 20)\nimport time\ntime.sleep(60)", kept=kept, memory=200 << 20)
    assert re.fullmatch(
        r"it used [234]\d\d,\d{3},\d{3} bytes of memory, and 209,715,200 are allowed", done.ending.failure
    )
    assert done.ending.memory > 200 << 20


def test_memory_that_processes_share_counts_once(run, kept):
    code = """
import os, time
held = bytearray(100 << 20)
for n in range(6):
    if not os.fork():
        time.sleep(1.5)
        os._exit(0)
for n in range(6):
    os.wait()
"""
    done = run(code, kept=kept, memory=300 << 20)
    assert (done.ending.code, done.ending.failure) == (0, "")


def test_a_disk_full_of_files_ends_a_kernel(run, kept):
    code = "import time\nfor n in range(20):\n    open(f'{n}', 'wb').write(bytes(1 << 20))\ntime.sleep(60)"
    done = run(code, kept=kept, disk=8 << 20)
    assert done.ending.failure.startswith("it wrote 2") and done.ending.failure.endswith("8,388,608 are allowed")


@pytest.mark.parametrize("where", ["/tmp", "$TMPDIR"])
def test_files_in_tmp_count_too(run, where, request):
    kept: kernel.Kept = "namespaces" if where == "/tmp" else "nothing"
    if kept == "namespaces":
        request.getfixturevalue("namespaces")
    code = "import tempfile, time\nfor n in range(20):\n    open(tempfile.mkstemp()[1], 'wb').write(bytes(1 << 20))\n"
    done = run(code + "time.sleep(60)", kept=kept, disk=8 << 20)
    assert "8,388,608 are allowed" in done.ending.failure


def test_files_that_were_deleted_while_they_are_open_count_too(run, kept):
    if not Path("/proc/self/fd").exists():
        pytest.skip("only Linux says which files a process has open")
    code = """
import os, time
held = []
for n in range(20):
    held.append(open(f"{n}", "wb"))
    held[-1].write(bytes(1 << 20))
    held[-1].flush()
    os.unlink(f"{n}")
time.sleep(60)
"""
    assert "8,388,608 are allowed" in run(code, kept=kept, disk=8 << 20).ending.failure


def test_the_number_of_files_is_limited(run, kept):
    code = "import time\nfor n in range(300):\n    open(f'{n}', 'w').close()\ntime.sleep(60)"
    failure = run(code, kept=kept, files=200).ending.failure
    assert re.fullmatch(r"it wrote (2\d\d|300) files, and 200 are allowed", failure)


def test_what_was_written_at_the_very_end_is_counted(run, kept):
    done = run("for n in range(20):\n    open(f'{n}', 'wb').write(bytes(1 << 20))", kept=kept, disk=8 << 20)
    assert "8,388,608 are allowed" in done.ending.failure


def test_one_file_cannot_pass_the_limit_even_for_an_instant(run, kept):
    done = run("open('large', 'wb').write(bytes(9 << 20))", kept=kept, disk=8 << 20)
    assert "File too large" in done.err
    assert (done.folder / "working" / "large").stat().st_size <= 8 << 20


def test_files_that_vanish_while_they_are_measured_harm_nothing(run, kept):
    code = """
import os, shutil, time
until = time.monotonic() + 2
while time.monotonic() < until:
    for n in range(50):
        os.makedirs(f"d{n}/e", exist_ok=True)
        open(f"d{n}/e/f", "w").close()
    for n in range(50):
        shutil.rmtree(f"d{n}")
"""
    done = run(code, kept=kept)
    assert (done.ending.code, done.ending.failure) == (0, "")


def test_a_full_disk_stops_a_kernel_and_starts_none(run, kept, monkeypatch):
    began = time.monotonic()
    monkeypatch.setattr(usage, "free", lambda folder: 1 << 40 if time.monotonic() < began + 1 else 1 << 20)
    done = run("import time; time.sleep(60)", kept=kept)
    assert done.ending.failure == "the disk that it writes to is full: less than 268,435,456 bytes are free"
    done = run("print(1)", kept=kept)
    assert (done.ending.failure, done.out) == ("only 1,048,576 bytes are free on the disk, and 268,435,456 must be", "")


def test_a_line_without_an_end_takes_no_memory(run, kept):
    tracemalloc.start()
    try:
        code = "import sys\nfor n in range(200):\n    sys.stdout.write('x' * (1 << 20))\nsys.stdout.write('end')"
        done = run(code, kept=kept, log=1 << 20, line=1 << 10)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (done.ending.code, done.ending.failure) == (0, "")
    left_out = (200 << 20) + 3 - (1 << 20) - (16 << 10)
    assert done.out[1 << 20 :].startswith(f"[{left_out:,} characters are left out here: a log has a limit.]\nxx")
    assert done.out.endswith("xxend")  # where a kernel says why it failed
    assert len(done.out) < (1 << 20) + (17 << 10)
    assert most < 8 << 20


def test_a_long_line_comes_in_pieces_and_short_ones_as_they_are(tmp_path):
    ready = kernel.prepare(tmp_path / "box", "print('ab' * 5); print(); print('é')", {}, kind="script", kept="nothing")
    pieces: list[str] = []
    watcher.watch(ready, Limits(60, line=4), lambda name, piece: pieces.append(piece))
    assert pieces == ["abab", "abab", "ab\n", "\n", "é\n"]


def test_bytes_that_are_no_text_are_shown_as_such(run, kept):
    done = run("import sys; sys.stdout.buffer.write(b'a\\xff\\n\\xc3'); sys.stdout.flush()", kept=kept)
    assert done.out == "a�\n�"


def test_an_error_of_the_listener_is_raised_and_the_kernel_is_not_held_up(tmp_path):
    code = "for n in range(100_000):\n    print(n)\nopen('ended', 'w').close()"
    ready = kernel.prepare(tmp_path / "box", code, {}, kind="script", kept="nothing")

    def said(name: str, piece: str) -> None:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        watcher.watch(ready, Limits(30), said)
    assert (ready.working / "ended").exists()


def test_a_kernel_is_stopped_when_it_is_asked_for(run, kept):
    stop = threading.Event()
    threading.Timer(1, stop.set).start()
    done = run("import time; time.sleep(60)", kept=kept, stop=stop)
    assert done.ending.failure == ""
    assert done.ending.seconds < 10
    assert living(done.folder) == []


DAEMON = """
import os, sys, time
if os.fork():
    os.wait()
else:
    os.setsid()
    if not os.fork():
        for name in os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd") else ():
            try:
                os.close(int(name))
            except OSError:
                pass
        time.sleep(600)
    os._exit(0)
"""


def test_processes_that_a_kernel_left_behind_end_with_it(run, kept):
    if not keeper.LINUX:
        pytest.skip("only Linux gives a process the orphans of what it started")
    done = run(DAEMON + "time.sleep(0.5)", kept=kept)
    assert (done.ending.code, done.ending.failure) == (0, "")
    assert living(done.folder) == []


PARENT = """
import sys
from pathlib import Path
from kit.sandbox import kernel, watcher
from kit.sandbox.limits import Limits
folder, kept, code = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
ready = kernel.prepare(folder, code, {}, kind="script", kept=kept)
watcher.watch(ready, Limits(600), lambda name, line: print(line, end="", flush=True), temporary=True)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_kernel_dies_with_the_process_that_watched_it_and_its_folder_goes(tmp_path, kept, number):
    if not keeper.LINUX:
        pytest.skip("elsewhere the keeper looks for its parent, a little later")
    folder = tmp_path / "box"
    code = DAEMON + "print('running', flush=True)\ntime.sleep(600)"
    words = [sys.executable, "-c", PARENT, str(folder), kept, code]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None and parent.stdout.readline() == "running\n"
        before = living(folder)
        parent.send_signal(number)
    assert len(before) >= 4  # the parent, the keeper, the kernel and its daemon
    until = time.monotonic() + 10
    while (living(folder) or folder.exists()) and time.monotonic() < until:
        time.sleep(0.05)
    assert living(folder) == []
    assert not folder.exists()


def test_a_kernel_dies_with_a_keeper_that_is_killed(tmp_path, kept):
    if not keeper.LINUX:
        pytest.skip("only Linux tells a process that its parent has ended")
    folder = tmp_path / "box"
    ready = kernel.prepare(folder, "import time; print(1, flush=True); time.sleep(600)", {}, kind="script", kept=kept)

    def kill(name: str, line: str) -> None:
        holder = next(pid for pid in living(folder) if b"order.json" in Path(f"/proc/{pid}/cmdline").read_bytes())
        top = min(pid for pid in usage.processes(os.getpid()) if b"order.json" in cmdline(pid))
        os.kill(min(holder, top), signal.SIGKILL)

    ending = watcher.watch(ready, Limits(60), kill)
    assert ending.seconds < 20
    until = time.monotonic() + 5
    while living(folder) and time.monotonic() < until:
        time.sleep(0.05)
    assert living(folder) == []


def cmdline(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def test_folders_of_killed_processes_are_removed_at_the_next_start(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    long_ago = time.time() - 600
    for name in ("kit-x-left", "kit-y-other", "kit-x-young"):
        (tmp_path / name / "closed").mkdir(parents=True)
        (tmp_path / name / "closed" / "file").write_text("")
        (tmp_path / name / "closed").chmod(0)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "kit-x-link").symlink_to(tmp_path / "elsewhere")
    for name in ("kit-x-left", "kit-y-other", "elsewhere"):
        os.utime(tmp_path / name, (long_ago, long_ago))
    with folders.temporary("kit-x-") as mine:
        os.utime(mine, (long_ago, long_ago))
        with folders.temporary("kit-x-") as other:
            names = {path.name for path in tmp_path.iterdir()}
            assert names == {"kit-y-other", "kit-x-young", "kit-x-link", "elsewhere", mine.name, other.name}
    assert not mine.exists() and not other.exists()
    for name in ("kit-y-other", "kit-x-young"):
        (tmp_path / name / "closed").chmod(0o700)


def test_a_folder_beside_files_goes_at_the_end_and_after_a_kill_and_links_take_no_room(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (tmp_path / f".models.{gone.pid}.folder" / "inner").mkdir(parents=True)
    (tmp_path / "weights").write_text("weights")
    with folders.beside(tmp_path, "models") as mine:
        folders.link(tmp_path / "weights", mine / "fold" / "weights")
        assert {path.name for path in tmp_path.iterdir()} == {"weights", mine.name}
        assert (mine / "fold" / "weights").samefile(tmp_path / "weights")
    assert [path.name for path in tmp_path.iterdir()] == ["weights"]
    assert (tmp_path / "weights").read_text() == "weights"


def test_a_folder_that_forbids_its_removal_is_removed(tmp_path):
    if os.getuid() == 0:  # root may do anything: only the permissions can be looked at
        calls: list[str] = []
        (tmp_path / "a" / "b").mkdir(parents=True)
        (tmp_path / "a" / "b").chmod(0)
        (tmp_path / "a").chmod(0)
        keep, shutil.rmtree = shutil.rmtree, lambda path, **_: calls.append(oct((path / "b").stat().st_mode & 0o777))
        try:
            keeper.remove(tmp_path / "a")
        finally:
            shutil.rmtree = keep
        assert calls == ["0o700"]
        return
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c").write_text("")
    (tmp_path / "a" / "b").chmod(0)
    (tmp_path / "a").chmod(0)
    keeper.remove(tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_without_proc_processes_are_listed_by_ps(monkeypatch):
    with subprocess.Popen(["sleep", "30"]) as child:
        try:
            assert child.pid in usage.processes(os.getpid())
            monkeypatch.setattr(usage, "PROC", Path("/nowhere"))
            if shutil.which("ps") is None:
                pytest.skip("this machine has no ps")
            listed = usage.processes(os.getpid())
            assert listed[child.pid] >= 4096
        finally:
            child.kill()


def test_the_limits_are_kaggle_s_and_what_this_machine_can_bear():
    limits = Limits(60)
    assert limits.disk == DISK
    assert limits.memory <= min(30 << 30, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2)
    assert limits.memory >= walls.SHARED
