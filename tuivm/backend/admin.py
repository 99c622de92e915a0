"""Asks a libvirt daemon of this machine through its admin socket, by ``virt-admin``.

libvirt's Python binding has no admin part. Each question is a child process with a deadline
and no terminal; no shell is involved. Blocks: not for a host's own threads.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from platformdirs import user_cache_path

from tuivm.backend.connection import Target, split_uri
from tuivm.backend.service_facts import look, sockets
from tuivm.core import daemonlog
from tuivm.core.clientlog import VARIABLES
from tuivm.core.daemonlog import DaemonClient, DaemonLogs, Setting
from tuivm.core.errors import TuivmError
from tuivm.core.text import sanitise

PROGRAM = "virt-admin"
SECONDS = 5.0
"""How long it may take to answer."""
MOST_CLIENTS = 60
"""Clients of whom all is asked; each is one more question to the daemon."""
LONGEST = 4000
"""Characters of a setting."""
_MARK = "tuivm-next-answer"
_DAEMON = re.compile(r"libvirtd|virt[a-z]{1,20}d")
_COMMANDS: dict[Setting, str] = {"filters": "daemon-log-filters", "outputs": "daemon-log-outputs"}
_TITLE = "Cannot ask libvirt's daemon"


class Door(NamedTuple):
    """Where a daemon can be asked."""

    daemon: str
    uri: str
    socket: str
    """Its path, sanitised."""
    permitted: bool

    @property
    def reason(self) -> str:
        """Why this user cannot ask it, or empty."""
        return "" if self.permitted else f"{self.socket} is its owner's alone"


def doors(uri: str) -> list[Door]:
    """The admin sockets beside the one of a URI's daemon, which comes first where it has one.

    Raises ``TuivmError`` where there is none.
    """
    parts, target = split_uri(uri), Target(uri)
    if target.in_process or parts.path == "/embed":
        raise TuivmError(_TITLE, "there is none: this driver runs inside of tuivm")
    if not target.local:
        host = sanitise(parts.hostname or "the other machine", 80)
        raise TuivmError(
            _TITLE,
            f"it is on {host}, and {PROGRAM} reaches those of its own machine only",
            hint=f"run there: sudo {PROGRAM} daemon-log-filters",
        )
    # Not connected to: whoever tries would be among the clients for a moment.
    facts = sockets(uri, connect=False)
    paths = [Path(fact.path) for fact in facts if fact.kind == "admin"]
    for folder in {Path(fact.path).parent for fact in facts}:
        paths += [path for path in sorted(folder.glob("*-admin-sock")) if path not in paths]
    path_of_uri = parts.path if parts.path in ("/system", "/session") else "/system"
    found = []
    for path in paths:
        name = path.name.removesuffix("-admin-sock")
        daemon = "libvirtd" if name == "libvirt" else name
        fact = look(path, "admin", connect=False)
        if fact.exists and _DAEMON.fullmatch(daemon):
            where = f"{daemon}://{path_of_uri}?socket={quote(str(path), safe='/')}"
            found.append(Door(daemon, where, fact.path, fact.permitted is True))
    if not found:
        raise TuivmError(
            _TITLE,
            "it has no admin socket where it should be",
            hint="start the daemon; systemd: sudo systemctl start libvirtd-admin.socket "
            "(or virtqemud-admin.socket)",
        )
    return found


def door(uri: str, daemon: str = "") -> Door:
    """One of ``doors``, the first unless named. Raises ``TuivmError`` where it is shut."""
    found = [one for one in doors(uri) if daemon in ("", one.daemon)]
    if not found:
        raise TuivmError(_TITLE, f"{daemon} has no admin socket", hint="start it; d: the others")
    if found[0].reason:
        raise TuivmError(
            _TITLE,
            found[0].reason,
            hint=f"run tuivm as root, or: sudo {PROGRAM} daemon-log-filters",
        )
    return found[0]


class Answer(NamedTuple):
    """What ``virt-admin`` said."""

    text: str
    complaint: str
    """Its errors in one line, sanitised."""
    ok: bool
    """True when the last of its commands was done."""


def ask(uri: str, *words: str) -> Answer:
    """Run ``virt-admin`` on one command, or on one text that holds several.

    Raises ``TuivmError`` where it cannot be run or does not answer.
    """
    # Its own log must not get into its answers.
    kept = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    try:
        done = subprocess.run(
            [PROGRAM, "-c", uri, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            env=kept | {"LC_ALL": "C"},
            start_new_session=True,
            check=False,
        )
    except FileNotFoundError:
        raise TuivmError(
            _TITLE,
            f"{PROGRAM} is not installed",
            hint="Debian and Ubuntu have it in libvirt-clients, others in libvirt-client "
            "or libvirt-admin",
        ) from None
    except subprocess.TimeoutExpired:
        raise TuivmError(
            _TITLE, f"no answer within {SECONDS:.0f} s", hint="it may hang; c checks the host"
        ) from None
    except (OSError, ValueError) as error:
        raise TuivmError(_TITLE, sanitise(str(error))) from None
    said = done.stderr.decode("utf-8", "replace")
    lines = [line.removeprefix("error: ") for line in said.splitlines() if line.strip()]
    text = done.stdout.decode("utf-8", "replace")
    return Answer(text, sanitise("; ".join(lines), 600), done.returncode == 0)


def read(where: Door, found: dict[Setting, str]) -> DaemonLogs:
    """Ask for the settings and the clients; ``found`` gets the settings when it has none."""
    answers = _several(where, "server-list", _COMMANDS["filters"], _COMMANDS["outputs"])
    servers = daemonlog.servers(answers[0])
    filters, outputs = (daemonlog.setting(text) for text in answers[1:])
    found.setdefault("filters", filters)
    found.setdefault("outputs", outputs)
    lists = _several(where, *(f"client-list {name}" for name in servers))
    known = [
        client
        for name, text in zip(servers, lists, strict=True)
        # The admin server's are virt-admin itself.
        for client in (daemonlog.clients(name, text) if name != "admin" else ())
    ]
    asked, rest = known[:MOST_CLIENTS], known[MOST_CLIENTS:]
    told = _several(where, *(f"client-info {one.server} {one.number}" for one in asked))
    # Whoever left meanwhile is told nothing of.
    met = [_met(one, text) for one, text in zip(asked, told, strict=True) if text.strip()]
    command = f"{PROGRAM} -c {sanitise(where.uri, 200)}"
    session = split_uri(where.uri).path == "/session"
    folder = str(user_cache_path("libvirt")) if session else "/var/log/libvirt"
    clients = (*met, *rest)
    return DaemonLogs(where.daemon, command, filters, outputs, dict(found), clients, folder)


def write(where: Door, what: Setting, value: str) -> None:
    """Set filters or outputs. Raises ``TuivmError`` with the daemon's reason."""
    title = f"Cannot set the {what} of {where.daemon}'s log"
    if len(value) > LONGEST or not value.isprintable():
        raise TuivmError(title, "it is too long, or holds control characters")
    try:
        # One word, so that nothing in it can be taken for an option.
        answer = ask(where.uri, _COMMANDS[what], f"--{what}={value}")
    except TuivmError as error:
        error.title = title
        raise
    if not answer.ok:
        raise TuivmError(
            title,
            answer.complaint.removeprefix("Unable to change daemon logging settings; "),
            hint="the form is LEVEL:NAME, levels 1 (all) to 4 (errors); nothing was changed",
            raw=answer.complaint,
        )


def _several(where: Door, *commands: str) -> list[str]:
    """Run commands that hold no word of a stranger's, in one process; an answer each."""
    if not commands:
        return []
    script = f"; echo {_MARK}; ".join(commands)
    text, complaint, _ = ask(where.uri, script)
    answers = text.split(_MARK)
    if len(answers) == len(commands):
        return answers
    if "unknown command" in complaint:
        raise TuivmError(_TITLE, f"{PROGRAM} is too old: {complaint}", raw=complaint)
    raise TuivmError(
        _TITLE,
        complaint or "it closed the connection",
        hint="it lets in only the user that it runs as, which is root for the system's",
        raw=complaint,
    )


def _met(client: DaemonClient, text: str) -> DaemonClient:
    fields = daemonlog.info(text)
    number = fields.get("unix_process_id", "")
    ours = number == str(os.getpid())
    process = _process(number) if number.isdecimal() else ""
    return replace(client, fields=fields, process=process, ours=ours)


def _process(number: str) -> str:
    try:
        return sanitise(Path("/proc", number, "comm").read_text(errors="replace").strip(), 40)
    except (OSError, ValueError):
        return ""
