"""Why a daemon's socket cannot be used: here, where it can be looked at, or over ssh.

Looks at files of this machine and tries sockets; no libvirt.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from tuivm.backend.defaults import system_sockets
from tuivm.backend.login_facts import Login
from tuivm.backend.machine_facts import find, package_manager
from tuivm.backend.place import Place
from tuivm.backend.service_facts import has_systemd, look
from tuivm.core.packages import install
from tuivm.core.text import sanitise

Explanation = tuple[str, str] | None
"""A cause and a next step, or None where it is something else."""

_SOCKET = re.compile(
    r"(?:connect socket to '(?P<path>[^']+)'"
    # A netcat on the host says it in fewer words.
    r"|\bnc: (?:unix connect failed: )?(?P<nc>/[^\n]+?)): (?P<reason>[^\n]+)"
)
_DAEMON = re.compile(r"libvirtd|virt[a-z]+d")
"""Names of libvirt's own services; another socket's name says nothing of its service."""
MONOLITHIC = "libvirtd"
OWN_VMS = "use qemu:///session for VMs of your own"


@dataclass(frozen=True, slots=True)
class _Asked:
    """The socket that a connection wanted."""

    path: str
    place: Place
    by_netcat: bool
    """It was named from here: the host did not choose it."""

    @property
    def read_only(self) -> bool:
        return self.path.endswith("-ro")

    @property
    def tail(self) -> str:
        return "-sock-ro" if self.read_only else "-sock"

    @property
    def daemon(self) -> str:
        """The service behind it, or empty where the name does not tell."""
        name = Path(self.path).name
        if not name.endswith(self.tail):
            return ""
        service = name.removesuffix(self.tail)
        daemon = MONOLITHIC if service == "libvirt" else service
        return daemon if _DAEMON.fullmatch(daemon) else ""

    @property
    def given(self) -> str:
        """The socket that the URI names, or empty."""
        return self.place.option("socket")

    @property
    def own(self) -> bool:
        """True for a user's own daemon; root's session is the system's daemon."""
        return self.place.session and os.geteuid() != 0

    @property
    def twin(self) -> tuple[str, str]:
        """The other daemon that could serve this URI, and its socket."""
        modular = f"virt{self.place.driver}d"
        if self.daemon == MONOLITHIC:
            daemon, name = modular, modular
        else:
            daemon, name = MONOLITHIC, "libvirt"
        return daemon, str(Path(self.path).with_name(f"{name}{self.tail}"))

    @property
    def shown(self) -> str:
        return sanitise(self.path, 200)


def explain_socket(raw: str, uri: str) -> Explanation:
    """Explain a socket that was not there, did not answer, or is not for this user."""
    match = _SOCKET.search(raw)
    if match is None:
        return None
    path, reason = match["path"] or match["nc"], match["reason"]
    asked = _Asked(path, Place.of(uri), match["path"] is None)
    here = not asked.place.host
    if "No such file" in reason:
        return _missing(asked) if here else _missing_there(asked)
    if "refused" in reason:
        return _stale(asked)
    if "Permission denied" in reason:
        return _forbidden(asked) if here else _forbidden_there(asked)
    return f"{asked.shown}: {sanitise(reason)}", ""


# On this machine ---------------------------------------------------------------------------


def _missing(asked: _Asked) -> Explanation:
    found = _another(asked)
    if found is not None:
        return found
    if not asked.daemon:
        hint = "check the path after socket= in the URI, and that its daemon runs"
        return f"no libvirt daemon listens at {asked.shown}: there is no such socket", hint
    session = asked.own
    twin, _ = asked.twin
    installed = next((name for name in (asked.daemon, twin) if find(name)), "")
    if not installed:
        what = "libvirt's daemon is not installed on this machine"
        return f"{what}: there is no socket {asked.shown}", install(package_manager(), "libvirt")[0]
    whose = "your own session daemon does not run" if session else f"{installed} does not run"
    missing = f"{whose}: it is installed, but there is no socket {asked.shown}"
    hint = f"start it: {start_command(installed, session=session)}"
    if asked.given:
        hint = f"check the path after socket= in the URI, or {hint}"
    if session and os.environ.get("LIBVIRT_AUTOSTART") == "0":
        hint += ", or unset LIBVIRT_AUTOSTART: then libvirt starts it when it is needed"
    return missing, hint


def _another(asked: _Asked) -> Explanation:
    """A daemon that runs here all the same, under another name than was asked for."""
    both = asked.path.removesuffix("-ro")
    if asked.read_only and look(Path(both), "").listening is not False and Path(both).exists():
        daemon = asked.daemon or "the daemon"
        hint = "leave out read-only access"
        if has_systemd(Path("/")) and asked.daemon:
            hint = f"{sudo()}systemctl start {daemon}-ro.socket, or {hint}"
        return f"{daemon} runs, but has no read-only socket {asked.shown}", hint
    if not asked.daemon:
        return None
    twin, path = asked.twin
    if not look(Path(path), "").exists or look(Path(path), "").listening is False:
        return None
    words = {True: "the monolithic libvirtd", False: f"the modular {asked.daemon}"}
    wanted = words[asked.daemon == MONOLITHIC]
    there = words[True] if twin == MONOLITHIC else f"the modular {twin}"
    mode = "legacy" if twin == MONOLITHIC else "direct"
    if asked.given:
        hint = f"write socket={sanitise(path, 200)} in the URI"
    elif asked.place.option("mode"):
        hint = f"leave mode= out of the URI, or write mode={mode}"
    else:
        hint = f"add mode={mode} to the URI: {sanitise(_with(asked.place.uri, mode), 200)}"
    return f"the URI asks for {wanted} ({asked.shown}), but {there} runs here", hint


def _stale(asked: _Asked) -> Explanation:
    daemon, host = asked.daemon, asked.place.host
    where = f" on {host}" if host else ""
    cause = f"nobody answers at {asked.shown}{where}: the daemon stopped and left its socket behind"
    if not daemon:
        return cause, "start the daemon of that socket again"
    if host:
        return cause, f"start it there: {_there(asked.place, daemon, again=True)}"
    command = start_command(daemon, session=asked.own, again=True)
    return cause, f"start it again: {command}; it replaces the socket"


def _forbidden(asked: _Asked) -> Explanation:
    login = Login.read()
    who = login.user
    fact = look(Path(asked.path), "")
    if not fact.mode:
        folder = sanitise(str(Path(asked.path).parent), 200)
        return (
            f"you may not enter {folder}, where the socket is, as {who}",
            f"use sudo, or {OWN_VMS}",
        )
    cause = f"you may not use {asked.shown} as {who} (group {fact.group}, mode {fact.mode:04o})"
    if fact.group != "root" and fact.mode & 0o060 == 0o060:
        return cause, f"{login.join(fact.group)}, or {OWN_VMS}"
    return cause, f"it is root's alone: use sudo, or {OWN_VMS}"


def start_command(daemon: str, *, session: bool = False, again: bool = False) -> str:
    """The command that starts a daemon on this machine, as this user."""
    if session:
        return f"{daemon} -d"
    if has_systemd(Path("/")):
        return f"{sudo()}systemctl {'restart' if again else 'start'} {daemon}"
    # Without systemd nobody starts the one that keeps guests' logs either.
    log = f"{sudo()}virtlogd -d; " if find("virtlogd") and not again else ""
    return f"{log}{sudo()}{daemon} -d"


def sudo() -> str:
    """What a command of root's begins with."""
    return "" if os.geteuid() == 0 else "sudo "


def _with(uri: str, mode: str) -> str:
    return f"{uri}{'&' if '?' in uri else '?'}mode={mode}"


# On another host ---------------------------------------------------------------------------


def _missing_there(asked: _Asked) -> Explanation:
    place, daemon = asked.place, asked.daemon
    cause = f"no libvirt daemon runs on {place.host}: it has no socket {asked.shown}"
    if asked.given and asked.given != asked.path and not asked.by_netcat:
        other = f"the host's virt-ssh-helper does not heed socket={sanitise(asked.given, 200)}"
        return f"{cause}; {other}", "add proxy=netcat to the URI: then that socket is taken"
    if not daemon:
        return cause, "check the path after socket= in the URI, and that its daemon runs"
    hint = f"start it there: {_there(place, daemon)}; or install libvirt's daemon on it"
    if asked.by_netcat:
        # virt-ssh-helper looks by itself which one runs.
        twin, _ = asked.twin
        mode = "legacy" if twin == MONOLITHIC else "direct"
        hint += f". If {twin} runs there instead, add mode={mode} to the URI"
    return cause, hint


def _forbidden_there(asked: _Asked) -> Explanation:
    place = asked.place
    user = place.user or "your user"
    hint = f"{_join_there(place)}, or use /session for VMs of your own"
    return f"{user} may not use {asked.shown} on {place.host}", hint


def _join_there(place: Place) -> str:
    user = place.user or "$USER"
    return f"on {place.host}: sudo usermod -aG libvirt {user}, then connect again"


def _there(place: Place, daemon: str, *, again: bool = False) -> str:
    verb = "restart" if again else "start"
    if place.session:
        return f"ssh {place.by_hand} {daemon} -d"
    root = "" if place.user == "root" else "sudo "
    return (
        f"ssh {place.by_hand} {root}systemctl {verb} {daemon} (without systemd: {root}{daemon} -d)"
    )


# Where the socket is open to all, and a policy decides -------------------------------------


def explain_policy(raw: str, uri: str) -> Explanation:
    """Explain a refusal of polkit, which has nobody to ask for a password here."""
    place = Place.of(uri)
    look_only = "" if "unix.monitor" in raw else "; --readonly looks without that right"
    if place.host:
        user = place.user or "your user"
        return (
            f"the policy of {place.host} (polkit) does not let {user} manage its VMs",
            f"{_join_there(place)}, or use /session for VMs of your own{look_only}",
        )
    login = Login.read()
    if "system bus" in raw:
        return (
            "its daemon asks polkit about everybody but root, and no system bus runs here",
            'start D-Bus and polkit; or put auth_unix_rw = "none", unix_sock_group = "libvirt" and '
            f'unix_sock_rw_perms = "0770" into /etc/libvirt/libvirtd.conf; or {OWN_VMS}',
        )
    return (
        f"the policy of this machine (polkit) does not let {login.user} manage its VMs",
        f"{login.join(_policy_group())}, or {OWN_VMS}{look_only}",
    )


def _policy_group() -> str:
    """The group that the system's socket has; Debian's and Fedora's rules know ``libvirt``."""
    groups = (look(path, "").group for path in system_sockets())
    return next((group for group in groups if group and group != "root"), "libvirt")
