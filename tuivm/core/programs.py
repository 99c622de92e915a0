"""Programs of this machine that are opened in a terminal pane: ssh to a guest, virsh."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from tuivm.core.errors import TuivmError
from tuivm.core.text import sanitise

CONNECT_SECONDS = 15
"""How long ssh tries to reach a guest; without a limit it is two minutes of silence."""
SSH_FAILED = 255
"""ssh's own exit code; all others are the remote command's."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run, and how to speak of it."""

    argv: tuple[str, ...]
    """Words for the system, never for a shell."""
    title: str
    """``ssh root@192.168.122.35``."""
    about: str
    """Whose pane it is: a VM's name, or a host's."""
    host: str = ""
    uuid: str = ""
    """The domain it is about, or empty."""
    shown: str = ""
    """The command for the event log, without arguments that may hold secrets."""
    explain: Mapping[int, str] = field(default_factory=dict)
    """The next step by exit code."""
    silence: str = ""
    """What is going on while it has printed nothing yet."""
    package: str = ""
    """What to install where the program is missing."""


@dataclass(frozen=True, slots=True)
class Jump:
    """A host through which a guest is reached."""

    target: str
    """As ``ssh -J`` takes it: ``root@kv1:22``."""
    likely: bool
    """True when libvirt reaches that host by ssh as well."""


def jump_host(uri: str) -> Jump | None:
    """The host behind a remote URI: its guests' networks often end there."""
    try:
        parts = urlsplit(uri)
        name, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    transport = parts.scheme.partition("+")[2]
    if not name or name.startswith("-") or transport == "unix" or parts.scheme == "test":
        return None
    by_ssh = transport in ("ssh", "libssh", "libssh2")
    target = f"[{name}]" if ":" in name else name
    if parts.username and by_ssh:
        target = f"{parts.username}@{target}"
    if port and by_ssh:
        target = f"{target}:{port}"
    return Jump(target, by_ssh)


def ssh(user: str, address: str, *, name: str, host: str, uuid: str, jump: str = "") -> Program:
    """Reach a guest's address by ssh. Raises ``TuivmError`` for what is no address or user name."""
    user = user.strip()
    try:
        ip_address(address)
    except ValueError:
        raise TuivmError(
            "Cannot open ssh", f"{sanitise(address, 80)} is no IP address", hint="choose another"
        ) from None
    if not user or user.startswith("-") or any(char.isspace() or char == "\0" for char in user):
        raise TuivmError(
            "Cannot open ssh",
            f"{sanitise(user, 40) or 'nothing'} is no user name",
            hint="one word, e.g. root",
        )
    words = ["ssh", "-o", f"ConnectTimeout={CONNECT_SECONDS}"]
    if jump:
        words += ["-J", jump]
    words += ["-l", user, "--", address]
    through = f" through {jump}" if jump else ""
    return Program(
        tuple(words),
        sanitise(f"ssh {user}@{address}{through}", 200),
        name,
        host,
        uuid,
        shown=sanitise(shlex.join(words), 300),
        explain={
            SSH_FAILED: "ssh could not connect or log in; it says why above. "
            "c opens the serial console, which needs no network",
        },
        silence=f"no answer from {address} yet; ssh gives up after {CONNECT_SECONDS} s",
        package="openssh-client",
    )


def virsh(
    uri: str,
    arguments: Sequence[str] = (),
    *,
    host: str,
    readonly: bool = False,
) -> Program:
    """A virsh shell on a connection, or one virsh command on it."""
    words = ["virsh", "-c", uri]
    if readonly:
        words.append("-r")
    # Only the command's name: arguments such as secret-set-value's are nobody's business.
    verb = next((word for word in arguments if not word.startswith("-")), "")
    shown = shlex.join([*words, *([verb] if verb else [])]) + (" …" if len(arguments) > 1 else "")
    return Program(
        (*words, *arguments),
        sanitise(f"virsh {verb}".strip(), 80) if arguments else "virsh shell",
        host,
        host,
        shown=sanitise(shown, 300),
        explain={1: "virsh says why above"} if arguments else {},
        silence="connecting",
        package="libvirt-clients",
    )
