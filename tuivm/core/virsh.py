"""The virsh command that does what an action does, fit to be pasted into a shell."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from tuivm.core.errors import TuivmError
from tuivm.core.rows import Row
from tuivm.core.tags import NAMESPACE, PREFIX, parse_change, tags_xml
from tuivm.core.text import REPLACEMENT

_AMBIGUOUS = r"\d+|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
"""virsh takes such a name for an id or a UUID first."""


def _quote(word: str) -> str:
    from shlex import quote

    return quote(word)


def default_uri() -> str:
    """Return the URI that a plain ``virsh`` of this user opens."""
    named = os.environ.get("LIBVIRT_DEFAULT_URI")
    return named or ("qemu:///system" if os.geteuid() == 0 else "qemu:///session")


def domain_argument(row: Row) -> str:
    """Name a domain for a shell: its name, or its UUID where the name could be misread."""
    name = row.domain.name
    if not name or REPLACEMENT in name or name.endswith("…") or re.fullmatch(_AMBIGUOUS, name):
        return row.key.uuid
    if name.startswith("-"):
        return _quote(f"--domain={name}")
    return _quote(name)


def virsh(row: Row, verb: str, *options: str) -> str:
    """Say ``virsh [-c URI] VERB DOMAIN OPTIONS``; the URI only where virsh would pick another."""
    host = row.host
    words = ["virsh"]
    if host.uri and not host.demo and host.uri != default_uri():
        words += ["-c", _quote(host.uri)]
    words += [verb, domain_argument(row), *(_quote(option) for option in options)]
    return " ".join(words)


_SWITCHES = ("force-boot", "bypass-cache", "graceful", "running", "paused", "nvram", "tpm")


def action_virsh(row: Row, verb: str, args: Mapping[str, str]) -> str:
    """Say a lifecycle verb (``Backend.run``'s spelling) with its arguments as virsh has it."""
    options: list[str] = []
    if verb in CURES:
        return _cure_virsh(row, verb, args)
    if verb in ("tag", "title", "desc"):
        return _label_virsh(row, verb, args)
    if verb == "rename":
        name = args.get("new-name", "")
        return virsh(row, "domrename", f"--new-name={name}" if name.startswith("-") else name)
    if verb == "enable-acpi":
        verb = "edit"
    if verb == "abort-job":
        disk = args.get("disk", "")
        verb = "blockjob" if disk else "domjobabort"
        options += [disk, "--abort"] if disk else []
    if verb == "pivot":
        targets = row.domain.facts.targets if row.domain.facts is not None else ()
        disk = args.get("disk", "") or (targets[0] if len(targets) == 1 else "DISK")
        verb = "blockjob"
        options += [disk, "--pivot"]
    if verb == "set-lifecycle-action":
        options += [args.get("type", ""), args.get("action", "")]
    if verb == "start-paused":
        verb = "start"
        options.append("--paused")
    if verb in ("shutdown", "reboot") and args.get("mode"):
        options += ["--mode", args["mode"]]
    options += [f"--{name}" for name in _SWITCHES if args.get(name) == "on"]
    if verb == "autostart" and args.get("value") == "off":
        options.append("--disable")
    if verb == "send-key":
        if args.get("holdtime"):
            options += ["--holdtime", args["holdtime"]]
        options += args.get("keys", "").split()
    if verb == "undefine":
        options += _undefine_options(row, args)
    return virsh(row, verb, *options)


def _label_virsh(row: Row, verb: str, args: Mapping[str, str]) -> str:
    """Say a change of title, description or tags; virsh is told where, as it would not guess."""
    domain, facts = row.domain, row.domain.facts
    where = [f"--{name}" for name in ("live", "config", "current") if args.get(name) == "on"]
    if not where:
        active = domain.state.active
        where = ["--live"] if active else []
        where += ["--config"] if not active or domain.persistent is not False else []
    if verb != "tag":
        text = args.get("text", "")
        if "\n" in text:
            return virsh(row, "desc", *where, "--edit")
        words = ["--title"] if verb == "title" else []
        return virsh(row, "desc", *where, *words, f"--new-desc={text}")
    if facts is None:
        # virsh writes all tags at once; which there are is not known yet.
        return ""
    try:
        tags = parse_change(args.get("change", "")).apply(facts.tags)
    except TuivmError:
        return ""
    what = ["--key", PREFIX, "--set", tags_xml(tags)] if tags else ["--remove"]
    return virsh(row, "metadata", "--uri", NAMESPACE, *what, *where)


_EDITS = frozenset(
    [
        "use-emulation",
        "use-kvm",
        "use-machine",
        "use-cpu",
        "use-emulator",
        "use-network",
        "use-source",
        "use-loader",
        "drop-firmware",
        "kernel-console",
        "add-acpi",
    ]
)
_OBJECTS = {"net-start": "network", "pool-start": "pool"}
CURES = _EDITS | _OBJECTS.keys() | {
    "eject", "set-memory", "copy-image", "allow-path", "rebase-image", "force-off-holder",
    "continue-qemu", "add-agent", "link-up", "give-memory", "lift-limits",
}  # fmt: skip
"""Verbs that take an obstacle to a start away (``backend.cures``)."""


def _cure_virsh(row: Row, verb: str, args: Mapping[str, str]) -> str:
    """Say a cure as virsh has it; empty for what virsh cannot do."""
    if verb in _EDITS or verb == "set-memory":
        return virsh(row, "edit")
    if verb == "add-agent":
        return virsh(row, "edit")
    if verb == "link-up":
        return virsh(row, "domif-setlink", args.get("mac", ""), "up")
    if verb == "eject":
        return virsh(row, "change-media", args.get("target", ""), "--eject", "--config")
    if verb in _OBJECTS:
        return object_virsh(row.host.uri, verb, args.get(_OBJECTS[verb], ""))
    if verb == "force-off-holder":
        return object_virsh(row.host.uri, "destroy", args.get("uuid", ""))
    return ""


def object_virsh(uri: str, verb: str, name: str) -> str:
    """Say ``virsh [-c URI] VERB NAME`` of something that is no domain of the list."""
    where = ["-c", uri] if uri and uri != default_uri() else []
    return " ".join(
        map(_quote, ["virsh", *where, verb, *(["--"] if name.startswith("-") else []), name])
    )


def _undefine_options(row: Row, args: Mapping[str, str]) -> list[str]:
    """What has to be said so that libvirt does not refuse; the backend adds the same."""
    domain = row.domain
    options = []
    if domain.managed_save:
        options.append("--managed-save")
    if domain.has_snapshots:
        options.append("--snapshots-metadata")
    if domain.has_checkpoints:
        options.append("--checkpoints-metadata")
    if args.get("nvram") != "on":
        options.append("--keep-nvram")
    return options
