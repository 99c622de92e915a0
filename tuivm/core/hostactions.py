"""The registry's entries that manage hosts; the screens carry them out."""

from __future__ import annotations

from tuivm.core.action import Action
from tuivm.core.model import HostState, HostStatus

GROUP, SCOPE = "Hosts", "hosts"


def own(status: HostStatus) -> str | None:
    """Refuse what has no address of its own."""
    return "it is the embedded example fleet" if status.demo else None


def connects(status: HostStatus) -> bool:
    """Tell whether the toggle would connect a host, rather than disconnect it."""
    return status.state is HostState.DISABLED


def needs_look(status: HostStatus) -> bool:
    """Tell whether a host is not as it should be: neither up nor left alone on purpose."""
    return status.state not in (HostState.UP, HostState.DISABLED)


HOSTS: tuple[Action, ...] = (
    Action(
        "host.vms",
        "VMs of the host",
        "Show the list with this host's VMs only.",
        GROUP,
        ("enter",),
        scope=SCOPE,
        per_host=True,
    ),
    Action(
        "host.add",
        "Add a host",
        "Connect to another host, and keep it in the configuration file.",
        GROUP,
        ("n",),
        scope=SCOPE,
    ),
    Action(
        "host.edit",
        "Edit the host",
        "Change its URI, name, colour, tags and access.",
        GROUP,
        ("e",),
        scope=SCOPE,
        per_host=True,
        applies_host=own,
    ),
    Action(
        "host.toggle",
        "Disconnect / connect",
        "Close the connection and try no other, until the same key connects it again.",
        GROUP,
        ("d",),
        scope=SCOPE,
        per_host=True,
        applies_host=own,
    ),
    Action(
        "host.forget",
        "Forget the host",
        "Take it off this list and, if you say so, out of the configuration file.",
        GROUP,
        ("U",),
        scope=SCOPE,
        level=1,
        per_host=True,
        warning="its VMs go on, and are shown here no more",
    ),
    Action(
        "hosts.failed",
        "Not up only",
        "Show only hosts that are lost, late, connecting or waiting for you; or all again.",
        GROUP,
        ("F",),
        scope=SCOPE,
    ),
)
"""In the order of help."""
