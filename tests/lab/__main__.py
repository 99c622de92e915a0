"""``scripts/lab``: brings the lab up, says what is there, takes it down."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace

from tests.lab import daemon, needs
from tests.lab.errors import LabError
from tests.lab.guests import FLEET, Guest, define
from tests.lab.image import build
from tests.lab.needs import find
from tests.lab.paths import Paths, Running

BOOT_DEADLINE = 90.0


def main() -> int:
    """Run one of the lab's commands; 0, or 1 with the reason on stderr."""
    args = _parser().parse_args()
    paths = Paths(args.name)
    try:
        if args.command == "up":
            fleet = [replace(guest, start="") for guest in FLEET] if args.off else FLEET
            return up(paths, fleet, owner=args.owner, wait=not args.no_wait)
        if args.command == "down":
            return down(paths)
        if args.command == "check":
            return check()
        return with_lab(args, paths)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/lab", description="Real guests without KVM, for tests and for trying tuivm."
    )
    parser.add_argument("--name", default="main", help="of several labs in this checkout")
    commands = parser.add_subparsers(dest="command", required=True)
    start = commands.add_parser("up", help="start it; quick when it is up already")
    start.add_argument("--no-wait", action="store_true", help="do not wait for the guests to boot")
    start.add_argument("--off", action="store_true", help="leave all of its guests off")
    start.add_argument("--owner", default="person", help=argparse.SUPPRESS)
    commands.add_parser("down", help="end its guests and daemons")
    commands.add_parser("status", help="its URI and guests")
    commands.add_parser("uri", help="its URI alone")
    commands.add_parser("check", help="say why real guests are impossible here, if they are")
    run = commands.add_parser("virsh", help="run virsh on it")
    run.add_argument("arguments", nargs=argparse.REMAINDER)
    return parser


def up(paths: Paths, fleet: Sequence[Guest], *, owner: str, wait: bool) -> int:
    """Start what is not running; idempotent."""
    if (reason := needs.obstacle()) is not None:
        raise LabError(reason)
    with paths.lock():
        running = paths.load()
        if running is None or not running.alive:
            daemon.stop(paths)
            image = build(paths.cache)
            running = daemon.start(paths, owner)
            for guest in fleet:
                define(running, paths, image, guest)
        if wait:
            _await_boot(running)
    return status(running)


def _await_boot(running: Running) -> None:
    """Wait until the healthy guest answers through its agent and has its address."""
    deadline = time.monotonic() + BOOT_DEADLINE
    # Not a raw agent command: that one taints the domain.
    ask = ("domifaddr", "web-01", "--source", "agent")
    if daemon.virsh(running, "domstate", "web-01").stdout.strip() != "running":
        return
    while time.monotonic() < deadline:
        leased = "ipv4" in daemon.virsh(running, "domifaddr", "web-01", check=False).stdout
        if leased and not daemon.virsh(running, *ask, check=False).returncode:
            return
        time.sleep(0.2)
    raise LabError(f"web-01 did not boot in {BOOT_DEADLINE:.0f} s: see scripts/lab status")


def down(paths: Paths) -> int:
    """End the lab; fine when none is up."""
    if os.geteuid() != 0 and (running := paths.load()) and running.alive:
        raise LabError("not root: run it as root or with sudo")
    with paths.lock():
        print("lab: down" if daemon.stop(paths) else "lab: was not up")
    return 0


def check() -> int:
    """Say whether the lab can work here."""
    reason = needs.obstacle()
    print(reason or "real guests are possible here")
    return 0 if reason is None else 1


def with_lab(args: argparse.Namespace, paths: Paths) -> int:
    """The commands that need a lab that is up."""
    running = paths.load()
    if running is None or not running.alive:
        raise LabError("not up: scripts/lab up")
    if args.command == "uri":
        print(running.uri)
        return 0
    if args.command == "virsh":
        command = [find("virsh") or "virsh", "-c", running.uri, *args.arguments]
        return subprocess.run(command, check=False).returncode
    return status(running)


def status(running: Running) -> int:
    """Print the URI and the guests."""
    print(f"uri: {running.uri}")
    shown = daemon.virsh(running, "list", "--all", "--name").stdout.split("\n")
    for name in filter(None, shown):
        state = daemon.virsh(running, "domstate", "--reason", "--", name, check=False)
        print(f"{state.stdout.strip() or '?':<24} {name}")
    print("login: root, password: lab")
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(main())
