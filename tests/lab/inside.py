"""The first process of a lab's namespaces: mounts, then the daemons, then waits.

Started by ``tests.lab.daemon`` through ``unshare``; never by hand.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.lab.daemon import BINDS
from tests.lab.needs import find


def main(run: str, home: str) -> int:
    """Set the namespaces up and stay until the daemon ends."""
    for part, target in BINDS.items():
        _bind(Path(home) / part, Path(target))
    _bind(Path(run), Path("/run/libvirt"))
    # A sysfs of this network namespace; it also hides the cgroups, which libvirt names by
    # guest: two labs would share them, and one would end the other's guests.
    subprocess.run(["umount", "-R", "-l", "/sys/fs/cgroup"], check=False, capture_output=True)
    subprocess.run(["mount", "-t", "sysfs", "sysfs", "/sys"], check=True)
    # Console locks name the daemon by a process id that means nothing outside of this
    # namespace: one left behind would keep another lab's console busy for ever.
    locks = Path("/var/lock").resolve()
    locks.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(locks)], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    daemons = {
        _daemon("virtlogd", run),
        _daemon("libvirtd", run),
    }
    # As the namespace's first process we inherit and reap every orphan.
    while True:
        pid, status = os.wait()
        if pid in daemons:
            print(f"a daemon ended with status {status}", flush=True)
            return 1


def _daemon(name: str, run: str) -> int:
    path = find(name)
    if path is None:
        raise SystemExit(f"{name} is not installed")
    return subprocess.Popen([path, "-p", f"{run}/{name}.pid"]).pid


def _bind(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "--bind", str(source), str(target)], check=True)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
