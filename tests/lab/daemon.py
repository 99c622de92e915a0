"""Starts and ends a lab's daemons in namespaces of their own.

The daemons see their own ``/etc/libvirt``, ``/var/lib/libvirt``, ``/run/libvirt``, network
and process ids. A developer's own libvirt is never touched, and ending the first process
of the PID namespace ends daemons, guests and dnsmasq with it, whatever state they are in:
the kernel sees to that, and mounts and network go with the last process.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

from tests.lab.errors import LabError
from tests.lab.needs import find
from tests.lab.paths import ROOT, Paths, Running, start_time

BINDS = {
    "etc": "/etc/libvirt",
    "lib": "/var/lib/libvirt",
    "cache": "/var/cache/libvirt",
    "log": "/var/log/libvirt",
}

QEMU_CONF = """\
# As root: a /dev/kvm that QEMU may not open costs seconds of probing at each define.
user = "root"
group = "root"
security_driver = "none"
namespaces = []
cgroup_controllers = []
remember_owner = 0
"""

NETWORK = """\
<network>
  <name>default</name>
  <forward mode='nat'/>
  <bridge name='virbr0' stp='off' delay='0'/>
  <ip address='192.168.122.1' netmask='255.255.255.0'>
    <dhcp><range start='192.168.122.2' end='192.168.122.254'/></dhcp>
  </ip>
</network>
"""

START_DEADLINE = 60.0


def start(paths: Paths, owner: str) -> Running:
    """Start the daemons and wait until they answer.

    Raises:
        LabError: they did not start; the message ends with their own last words.
    """
    group = int(os.environ.get("SUDO_GID", "0"))
    run = tempfile.mkdtemp(prefix="tuivm-lab.", dir=_run_parent())
    # The socket is a root shell for whoever can open it: only for whoever called sudo.
    os.chown(run, 0, group)
    os.chmod(run, 0o750)
    _configure(paths, group)
    with paths.log.open("wb") as log:
        process = subprocess.Popen(
            [
                *("unshare", "-m", "-n", "-p", "-f", "--mount-proc", "--kill-child=KILL"),
                *(sys.executable, "-m", "tests.lab.inside", run, str(paths.home)),
            ],
            cwd=ROOT,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    running = Running(process.pid, start_time(process.pid) or 0, run, owner)
    paths.save(running)
    try:
        _wait(paths, running, process)
    except LabError:
        stop(paths)
        raise
    return running


def stop(paths: Paths) -> bool:
    """End a lab and all that it started; False when none was up."""
    running = paths.load()
    if running is None:
        return False
    alive = running.alive
    if alive:
        # unshare holds the PID namespace's first process by --kill-child.
        os.kill(running.pid, signal.SIGKILL)
        deadline = time.monotonic() + 10
        while running.alive and time.monotonic() < deadline:
            time.sleep(0.02)
    shutil.rmtree(running.run, ignore_errors=True)
    paths.save(None)
    return alive


def virsh(
    running: Running, *args: str, check: bool = True, timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run virsh on the lab.

    Raises:
        LabError: it failed and ``check`` was left on.
    """
    command = [find("virsh") or "virsh", "-q", "-c", running.uri, *args]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout)
    if check and done.returncode:
        raise LabError(f"virsh {' '.join(args)}: {done.stderr.strip()}")
    return done


def _wait(paths: Paths, running: Running, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_DEADLINE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        if Path(running.socket).exists() and not virsh(running, "version", check=False).returncode:
            return
        time.sleep(0.1)
    said = paths.log.read_text(errors="replace").strip()[-1500:]
    raise LabError(f"the lab's daemons did not start; {paths.log} ends with:\n{said}")


def _configure(paths: Paths, group: int) -> None:
    """Write the daemons' configuration; definitions of an earlier lab are dropped."""
    for part in ("etc", "lib", "log"):
        shutil.rmtree(paths.private(part), ignore_errors=True)
    for part in BINDS:
        paths.private(part).mkdir(parents=True, exist_ok=True)
    for part in ("boot", "images", "qemu", "dnsmasq"):
        (paths.private("lib") / part).mkdir()
    etc = paths.private("etc")
    (etc / "qemu/networks/autostart").mkdir(parents=True)
    (etc / "qemu/networks/default.xml").write_text(NETWORK)
    (etc / "qemu/networks/autostart/default.xml").symlink_to("../default.xml")
    (etc / "qemu.conf").write_text(QEMU_CONF)
    (etc / "virtlogd.conf").write_text("max_clients = 1024\nmax_size = 16777216\n")
    (etc / "libvirtd.conf").write_text(
        f'unix_sock_group = "{_group_name(group)}"\n'
        'unix_sock_rw_perms = "0770"\nunix_sock_ro_perms = "0770"\n'
        'auth_unix_rw = "none"\nauth_unix_ro = "none"\n'
        f'host_uuid = "{uuid.uuid4()}"\n'
    )
    shutil.rmtree(paths.serial, ignore_errors=True)
    paths.serial.mkdir()
    paths.disks.mkdir(exist_ok=True)
    # Whoever called sudo makes and removes the disks of guests of their own.
    os.chown(paths.disks, int(os.environ.get("SUDO_UID", "0")), group)


def _group_name(group: int) -> str:
    import grp

    try:
        return grp.getgrgid(group).gr_name
    except KeyError:
        return "root"


def _run_parent() -> str:
    return "/run" if os.access("/run", os.W_OK) else tempfile.gettempdir()


def _environment() -> dict[str, str]:
    """A clean one; no D-Bus, through which libvirtd would reach firewalld and machined."""
    keep = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    keep["PATH"] = keep.get("PATH", "") + ":/usr/sbin:/sbin:/usr/bin:/bin"
    keep["DBUS_SYSTEM_BUS_ADDRESS"] = "unix:path=/nonexistent"
    keep["LC_ALL"] = "C"
    return keep
