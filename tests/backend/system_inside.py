"""A machine's own libvirt in namespaces of its own, met in every state that it can be in.

Run as root by ``test_local_causes`` in fresh mount, network and process id namespaces, with
a folder to work in. A real libvirtd serves ``qemu:///system``, with polkit where there is
one; then its sockets are taken away, renamed, closed. Prints one JSON object: what a user's
attempt to connect came to, by the case's name.
"""

from __future__ import annotations

import json
import os
import pwd
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import libvirt

from tests.backend.sshd import Sshd
from tests.lab.needs import find

# A user who has no right to read the program has it loaded by then.
from tuivm.backend import askpass, refusals, why_socket
from tuivm.backend import elsewhere as other_vms
from tuivm.backend.connection import Target, open_connection
from tuivm.backend.host_check import check_uris

assert why_socket

NOBODY = 65534
RUN = Path("/run/libvirt")
SYSTEM, SESSION = "qemu:///system", "qemu:///session"
POLKIT = Path("/usr/lib/polkit-1/polkitd")
BUS = Path("/run/dbus/system_bus_socket")
GROUP = 12
"""The group of the system's socket: any but root's and libvirt's usual one."""

results: dict[str, Mapping[str, object]] = {}


def attempt(
    name: str, uri: str = SYSTEM, *, user: int = 0, readonly: bool = False, mode: str = ""
) -> None:
    """Connect as a user, in a process of its own."""
    in_child(name, user, lambda: outcome(uri + mode, readonly))


def in_child(name: str, user: int, work: Callable[[], Mapping[str, object]]) -> None:
    """Do something as a user, in a process of its own, and keep what it came to."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        if user:
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
        os.write(writer, json.dumps(work()).encode())
        askpass.close()
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as told:
        results[name] = json.loads(told.read())
    os.waitpid(child, 0)


def outcome(uri: str, readonly: bool) -> dict[str, object]:
    """What is there, or why it cannot be seen."""
    try:
        conn = open_connection(Target(uri, readonly))
        return {"driver": conn.getType(), "names": [d.name() for d in conn.listAllDomains()]}
    except libvirt.libvirtError as error:
        why = refusals.connection_error(error, uri)
        return {"message": why.message, "hint": why.hint, "code": why.code}


def until(condition: Callable[[], object]) -> None:
    """Wait for something that comes soon."""
    late = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < late
        time.sleep(0.01)


def shell(line: str) -> None:
    """Run a line that has to work."""
    subprocess.run(["sh", "-ec", line], check=True, stdout=subprocess.DEVNULL)


def place(folder: Path) -> None:
    """Put folders of our own over the machine's."""
    shell("mount -t tmpfs tmpfs /run && mkdir -p /run/libvirt /run/dbus /run/own/libvirt")
    os.chmod("/run/own", 0o777)
    for name, path in (("etc", "/etc"), ("lib", "/var/lib"), ("cache", "/var/cache")):
        (folder / name).mkdir()
        shell(f"mkdir -p {path}/libvirt && mount --bind {folder / name} {path}/libvirt")
    (folder / "etc/libvirtd.conf").write_text(
        f'auth_unix_rw="{"polkit" if POLKIT.exists() and find("dbus-daemon") else "none"}"\n'
        'unix_sock_rw_perms="0777"\n'
    )


def start(*command: str) -> subprocess.Popen[bytes]:
    """Start a program that says nothing; it ends with the namespace."""
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def policy() -> None:
    """Start a bus and polkit, where they are installed; nobody is there to type a password."""
    bus = find("dbus-daemon")
    if POLKIT.exists() and bus:
        start(bus, "--system", "--nofork", "--nopidfile")
        until(BUS.exists)
        start(str(POLKIT), "--no-debug")
        results["polkit"] = {}


def sockets(*names: str, mode: int = 0o777) -> None:
    """Leave only these names of the daemon's sockets, each leading to what it ends with."""
    for path in RUN.iterdir():
        if path.is_symlink():
            path.unlink()
    for name in names:
        hidden = RUN / ("hidden-ro" if name.endswith("-ro") else "hidden")
        hidden.chmod(mode)
        (RUN / name).symlink_to(hidden)


def healthy() -> None:
    """All of these connect."""
    attempt("system")
    attempt("list", "test+unix:///default")
    attempt("readonly", readonly=True)
    sockets("libvirt-sock-ro")
    attempt("readonly by its own socket", readonly=True)
    sockets("virtqemud-sock")
    attempt("modular")
    sockets("virtqemud-sock-ro")
    attempt("modular readonly", readonly=True)
    attempt("own", SESSION, user=NOBODY)
    own = Path("/run/own/libvirt")
    (own / "libvirt-sock").rename(own / "virtqemud-sock")
    attempt("own modular", SESSION, user=NOBODY)
    (own / "virtqemud-sock").rename(own / "libvirt-sock")


def other(uri: str) -> dict[str, object]:
    """Where else there are VMs, and how many."""
    return {"found": other_vms.look(uri).result(10)}


def judged() -> dict[str, object]:
    """What ``tuivm check`` finds: verdict, text and fix by finding."""
    return {
        one.id: [one.verdict.value, one.text, list(one.fix)]
        for part in check_uris([SYSTEM])
        for one in part.findings
    }


def checked() -> None:
    """The check as root and as an ordinary user, and once more after a fix of its own."""
    sockets("libvirt-sock", "libvirt-sock-ro")
    in_child("check by root", 0, judged)
    in_child("check by a user", NOBODY, judged)
    found: Any = results["check by root"]["network-default"]
    for line in found[2]:
        subprocess.run(["sh", "-c", line], capture_output=True, check=False)
    # The machine's own shows the bridges of the network namespace that we left.
    shell("mount -t sysfs sysfs /sys")
    in_child("check after the fix", 0, judged)
    shell("umount /sys")


def elsewhere() -> None:
    """What a user with an empty list is told of this machine's other connection."""
    sockets("libvirt-sock", "libvirt-sock-ro")
    # QEMU's driver takes seconds to define a VM; the test driver has one from the start.
    other_vms.SYSTEM = f"test+unix:///default?socket={RUN}/libvirt-sock-ro"
    own = Path("/run/own/.config/libvirt/qemu")
    own.mkdir(parents=True, exist_ok=True)
    (own / "mine.xml").touch()
    (own / "mine-too.xml").touch()
    os.environ.pop("XDG_CONFIG_HOME", None)
    for name, uri in (("other of own", SESSION), ("other of system", SYSTEM)):
        in_child(name, NOBODY, partial(other, uri))
        in_child(f"{name}, root", 0, partial(other, uri))
    sockets("libvirt-sock")
    in_child("other of own, unseen", NOBODY, partial(other, SESSION))


def over_ssh(folder: Path) -> None:
    """The same user from another host, as far as the daemon can tell."""
    if Sshd.missing():
        return
    users = Path("/etc/passwd").read_text()
    shells = re.sub(r"^(nobody:.*):[^:]*$", r"\1:/bin/sh", users, flags=re.MULTILINE)
    (folder / "passwd").write_text(shells)
    shell(f"ip link set lo up; mount --bind {folder}/passwd /etc/passwd")
    sshd = Sshd()
    # sshd reads the list of keys as the user who logs in.
    sshd.folder.chmod(0o755)
    sshd.start()
    here = RUN / "libvirt-sock"
    uri = sshd.uri(here).replace("test+ssh://root@", "qemu+ssh://nobody@")
    uri = uri.replace("/default?", "/system?")
    sockets("libvirt-sock")
    attempt("policy over ssh", uri)
    sockets("libvirt-sock", mode=0o700)
    attempt("closed over ssh", uri)
    sshd.close()


def refused() -> None:
    """None of these connects."""
    sockets("libvirt-sock")
    attempt("policy", user=NOBODY)
    attempt("modular wanted", mode="?mode=direct")
    attempt("no readonly socket", readonly=True)
    sockets("virtqemud-sock")
    attempt("monolithic wanted", mode="?mode=legacy")
    attempt("monolithic named", "qemu+unix:///system?socket=/run/libvirt/libvirt-sock")
    sockets("libvirt-sock", mode=0o770)
    os.chown(RUN / "hidden", 0, GROUP)
    attempt("group", user=NOBODY)
    RUN.chmod(0o700)
    attempt("folder", user=NOBODY)
    RUN.chmod(0o755)
    sockets("libvirt-sock", mode=0o600)
    os.chown(RUN / "hidden", 0, 0)
    attempt("root alone", user=NOBODY)
    sockets()
    attempt("missing")
    os.environ["LIBVIRT_AUTOSTART"] = "0"
    (Path("/run/own/libvirt") / "libvirt-sock").unlink()
    attempt("own missing", SESSION, user=NOBODY)
    shell("mkdir -p /run/systemd/system")
    attempt("missing, systemd")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(RUN / "libvirt-sock"))
    attempt("stale, systemd")
    shell("rmdir /run/systemd/system")
    attempt("stale")
    (RUN / "libvirt-sock").unlink()


def absent() -> None:
    """No daemon is installed."""
    for name in ("libvirtd", "virtqemud"):
        program = find(name)
        if program is not None:
            shell(f"mount --bind /dev/null {os.path.realpath(program)}")
    attempt("not installed")


def main(folder: Path) -> None:
    """Go through all cases."""
    place(folder)
    policy()
    system = find("libvirtd")
    assert system is not None
    start(system)
    os.environ |= {"XDG_RUNTIME_DIR": "/run/own", "HOME": "/run/own"}
    own = pwd.getpwuid(NOBODY)
    # Before it is started: it gives up where it may not put its socket.
    os.chown("/run/own/libvirt", own.pw_uid, own.pw_gid)
    subprocess.Popen(
        [system],
        user=own.pw_uid,
        group=own.pw_gid,
        extra_groups=[],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until((RUN / "libvirt-sock").exists)
    until((RUN / "libvirt-sock-ro").exists)
    until(Path("/run/own/libvirt/libvirt-sock").exists)
    (RUN / "libvirt-sock").rename(RUN / "hidden")
    (RUN / "libvirt-sock-ro").rename(RUN / "hidden-ro")
    sockets("libvirt-sock", "libvirt-sock-ro")
    healthy()
    checked()
    elsewhere()
    over_ssh(folder)
    refused()
    absent()
    command = [sys.executable, "-m", "tuivm", "list", "-c", SYSTEM]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    results["tuivm list"] = {"code": done.returncode, "said": done.stderr, "out": done.stdout}
    print(json.dumps(results))


if __name__ == "__main__":
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    main(Path(sys.argv[1]))
