"""The walls: what a kernel sees of the machine, what it cannot write to, and which rights it has."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kit.sandbox import folders, keeper, kernel, walls

boxed = pytest.mark.usefixtures("namespaces")

WRITABLE = """
import os
open_for_writing = []
for place, folders, files in os.walk("/proc"):
    if place == "/proc":
        folders[:] = [name for name in folders if not name.isdigit()] + [str(os.getpid())]
    # A link in fd leads to what this program has open anyway.
    folders[:] = [name for name in folders if name not in ("fd", "cwd", "root", "task", "map_files")]
    for name in files:
        path = os.path.join(place, name)
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
            open_for_writing.append(path)
        except OSError:
            pass
print(open_for_writing)
"""


@boxed
def test_nothing_in_proc_can_be_opened_for_writing(run):
    assert run(WRITABLE).out == "[]\n"


@boxed
def test_proc_tells_nothing_of_the_machine_beyond_what_programs_need(run):
    code = """
import os
for name in ("kcore", "keys", "kallsyms", "sysrq-trigger", "timer_list"):
    try:
        print(name, len(open("/proc/" + name, "rb").read(1)))
    except OSError:
        print(name, 0)
print(os.path.exists("/proc/cpuinfo") and "model" in open("/proc/cpuinfo").read())
print(sorted(int(name) for name in os.listdir("/proc") if name.isdigit()))
"""
    lines = run(code).out.splitlines()
    assert lines[:5] == ["kcore 0", "keys 0", "kallsyms 0", "sysrq-trigger 0", "timer_list 0"]
    assert lines[5] == "True"
    assert lines[6] == "[1, 2]"  # its own processes, and those that hold the walls


@boxed
def test_a_kernel_of_root_runs_as_a_stranger_and_without_any_right(run):
    code = """
print([line.split()[1] for line in open("/proc/self/status") if line.startswith("Cap")])
print([line.split()[1] for line in open("/proc/self/status") if line.startswith("NoNewPrivs")])
import os, subprocess
print(os.getuid(), os.getgroups() if os.getuid() else "")
for command in ("unshare --user true", "mount -o remount,rw /usr", "mount -t tmpfs none /tmp"):
    print(subprocess.run(command.split(), capture_output=True).returncode > 0)
open("mine", "w").close()
"""
    done = run(code)
    none = "0000000000000000"
    assert done.out.splitlines() == [str([none] * 5), "['1']", "0 ", "True", "True", "True"]
    owner = (done.folder / "working" / "mine").stat().st_uid
    assert owner == (keeper.STRANGER if os.getuid() == 0 else os.getuid())


@boxed
def test_files_of_the_user_and_of_the_machine_are_not_there(run, tmp_path):
    (tmp_path / "secret").write_text("key")
    code = f"""
import os
places = ({str(tmp_path / "secret")!r}, "/etc/shadow", "/root/.kaggle", "/old", "/home", "/sys")
print([os.path.exists(path) for path in places])
print(sorted(os.listdir("/kaggle")), sorted(os.listdir("/")))
"""
    lines = run(code).out.splitlines()
    assert lines[0] == str([False] * 6)
    assert lines[1].startswith("['input', 'src', 'working']")
    assert "old" not in lines[1]


@boxed
def test_the_only_places_to_write_to_are_working_tmp_and_shared_memory(run):
    code = """
import os
for path in "/ /usr /kaggle /kaggle/src /kaggle/input /dev /etc /tmp /dev/shm /kaggle/working".split():
    try:
        open(path + "/x", "w").close()
        print(path)
    except OSError as error:
        assert error.errno in (13, 30), (path, error)
"""
    assert run(code).out.split() == ["/tmp", "/dev/shm", "/kaggle/working"]


@boxed
def test_there_is_no_network_but_a_loopback_of_its_own(run):
    code = """
import socket
with socket.create_server(("127.0.0.1", 0)) as server:
    print(socket.create_connection(server.getsockname(), 5).getpeername()[0])
for address in (("192.0.2.1", 80), ("127.0.0.1", PORT)):
    try:
        socket.create_connection(address, 2)
        print("reached")
    except OSError as error:
        print(error.errno)
"""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as outside:
        done = run(code.replace("PORT", str(outside.getsockname()[1])))
    assert done.out.split() == ["127.0.0.1", "101", "111"], done.err


@boxed
def test_credentials_of_the_environment_do_not_reach_the_kernel(run, monkeypatch):
    monkeypatch.setenv("KAGGLE_KEY", "secret-of-the-user")
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    done = run("import os; print(sorted(os.environ))", settings={"KIT_REHEARSAL": "{}"})
    assert "KAGGLE_KEY" not in done.out and "KIT_HOME" not in done.out
    assert all(name in done.out for name in ("OMP_NUM_THREADS", "KIT_REHEARSAL", "KAGGLE_KERNEL_RUN_TYPE"))


@boxed
def test_python_may_be_a_link_to_a_link_elsewhere(run, tmp_path, monkeypatch):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3").symlink_to(os.path.realpath(sys.executable))
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / "python").symlink_to("../bin/python3")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv" / "python"))
    done = run("import sys; print(sys.executable)")
    assert (done.ending.code, done.out) == (0, f"{tmp_path}/venv/python\n"), done.err


@boxed
def test_inputs_are_shown_and_cannot_be_written(run, tmp_path):
    data = tmp_path / "data"
    (data / "deep").mkdir(parents=True)
    (data / "deep" / "a.csv").write_text("1")
    code = """
import os
path = "/kaggle/input/datasets/me/data/deep/a.csv"
print(open(path).read())
for act in (lambda: open(path, "w"), lambda: os.remove(path)):
    try:
        act()
    except OSError as error:
        print(error.errno)
"""
    assert run(code, inputs={"datasets/me/data": data}).out.split() == ["1", "30", "30"]
    assert (data / "deep" / "a.csv").read_text() == "1"


NESTED = """
import ctypes, json, pathlib, sys
from kit.sandbox import keeper, kernel, watcher
from kit.sandbox.limits import Limits
data, box, changed = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
if changed:
    keeper.__file__ = changed
libc = ctypes.CDLL(None, use_errno=True)
for place in ("inner", "inner/deeper", "with space"):
    (data / place).mkdir()
    assert libc.mount(b"none", bytes(data / place), b"tmpfs", 2, b"mode=777") == 0, ctypes.get_errno()
    (data / place / "a.csv").write_text("1")
code = '''
import os
for place in ("inner", "inner/deeper", "with space"):
    path = f"/kaggle/input/me/data/{place}/a.csv"
    assert open(path).read() == "1"
    try:
        open(path, "w")
        print("written")
    except OSError as error:
        print(error.errno)
'''
ready = kernel.prepare(box, code, {"me/data": data}, kind="script", kept="namespaces")
print(watcher.watch(ready, Limits(60), lambda name, line: print(line, end="")).failure)
"""


@boxed
@pytest.mark.parametrize("system", ["Linux 5.12", "older"])
def test_inputs_with_mounts_inside_are_read_only_all_the_way_down(tmp_path, system):
    changed = ""
    if system == "older":  # a system call that there is not: what an older Linux answers to mount_setattr
        text = Path(keeper.__file__).read_text()
        assert "_MOUNT_SETATTR, _AT_FDCWD, _AT_RECURSIVE = 442," in text
        changed = str(tmp_path / "keeper.py")
        Path(changed).write_text(text.replace("_AT_RECURSIVE = 442,", "_AT_RECURSIVE = 9999,"))
    (tmp_path / "data").mkdir()
    tmp_path.chmod(0o755)
    words = [
        "unshare",
        "--mount",
        *(["--user", "--map-root-user"] if os.getuid() else []),
        sys.executable,
        "-c",
        NESTED,
    ]
    words += [str(tmp_path / "data"), str(tmp_path / "box"), changed]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.split() == ["30", "30", "30"], done.stderr


@boxed
def test_what_the_walls_cannot_be_built_of_is_named(run, tmp_path):
    done = run("print(1)", inputs={"me/data": tmp_path / "none"})
    assert done.ending.failure.startswith("it could not be started: mount ")
    assert done.ending.failure.endswith("No such file or directory")


def test_a_folder_that_only_root_can_read_is_refused_with_the_cure(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    data = tmp_path / "data"
    data.mkdir()
    (data / "a.csv").write_text("1")
    (data / "a.csv").chmod(0o600)
    with pytest.raises(ValueError, match=f"only root can read {data / 'a.csv'}.*chmod -R a\\+rX {data}"):
        kernel.prepare(tmp_path / "box", "", {"me/data": data}, kind="script", kept="namespaces")


def test_walls_are_found_whatever_the_user_s_path_holds(monkeypatch):
    before = walls.available()
    monkeypatch.setenv("PATH", "/nowhere")
    assert walls.available.__wrapped__() == before


@boxed
def test_the_walls_can_be_built(monkeypatch):
    assert walls.available.__wrapped__()  # CI must not pass without them


@boxed
def test_an_unprivileged_user_can_build_the_walls_too():
    """The other tests may be run by root, who is kept in otherwise: no stranger can be set up by anyone else."""
    if os.getuid():
        pytest.skip("the tests are run by such a user already")
    script = """
import json, sys
from pathlib import Path
sys.path[:0] = json.loads(sys.argv[2])
from kit.sandbox import kernel, watcher
from kit.sandbox.limits import Limits
code = '''
import os
print(os.getuid(), open("/proc/self/status").read().count("CapEff:\\t0000000000000000"))
open("x", "w")
'''
ready = kernel.prepare(Path(sys.argv[1]), code, {}, kind="script", kept="namespaces")
print(watcher.watch(ready, Limits(60), lambda name, line: print(line, end="")))
"""
    python, package = "/usr/bin/python3", str(Path(kernel.__file__).parents[2])
    someone = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", python, "-c"]
    asked = f"import sys; sys.path.insert(0, {package!r}); import kit.errors; assert sys.version_info >= (3, 11)"
    if subprocess.run([*someone, asked], capture_output=True, cwd="/", check=False).returncode:
        pytest.skip("no Python 3.11 and no kit lie where others than root may look")
    with folders.temporary("kit-someone-") as box:  # the folders of the other tests are root's alone
        os.chown(box, 65534, 65534)
        words = [*someone, script, str(box), json.dumps([package])]
        done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False, cwd="/")
        assert done.stdout.startswith("0 1\nEnding(code=0, failure=''"), done.stderr + done.stdout
        assert (box / "working" / "x").stat().st_uid == 65534


def test_the_keeper_uses_the_standard_library_alone():
    assert "kit" not in {
        line.split()[1].split(".")[0]
        for line in Path(keeper.__file__).read_text().splitlines()
        if line.startswith(("import ", "from "))
    }
