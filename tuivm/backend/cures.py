"""Verbs that take away what keeps a domain from starting; each can start it right after.

All run on a host's own thread and may block. The argument ``then=start`` starts the domain
when the obstacle is gone. libvirt's failures pass through as ``libvirt.libvirtError``.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from functools import partial

import libvirt
from lxml import etree

from tuivm.backend.connection import split_uri
from tuivm.backend.cure_xml import EDITS, disk_of
from tuivm.backend.images import copy_into_pool
from tuivm.backend.machine_facts import find
from tuivm.backend.processes import qemu_of
from tuivm.backend.reach import Who, let_pass
from tuivm.backend.why_address import link_up
from tuivm.backend.why_agent import add_agent
from tuivm.backend.why_slow import give_memory
from tuivm.backend.why_slow_disk import lift_limits
from tuivm.backend.xml_parse import parse
from tuivm.core.errors import TuivmError
from tuivm.core.text import sanitise

Verb = Callable[[libvirt.virDomain, Mapping[str, str]], str]

DEFAULT_NETWORK = """\
<network>
  <name>default</name>
  <forward mode='nat'/>
  <bridge name='virbr0' stp='on' delay='0'/>
  <ip address='192.168.122.1' netmask='255.255.255.0'>
    <dhcp><range start='192.168.122.2' end='192.168.122.254'/></dhcp>
  </ip>
</network>
"""
"""As libvirt ships it (``libvirt/network/default.xml``)."""


def _then(domain: libvirt.virDomain, args: Mapping[str, str], done: str) -> str:
    """Go on to what was wanted in the first place."""
    if args.get("then") == "start":
        try:
            domain.create()
        except libvirt.libvirtError as error:
            raise TuivmError(
                f"Cannot start {sanitise(domain.name(), 80)} yet",
                f"{done}; then: {sanitise(error.get_error_message() or str(error))}",
                hint="that is the next obstacle; look why again",
                code=error.get_error_code(),
                domain=error.get_error_domain(),
                call="virDomainCreate",
                raw=sanitise(error.get_error_message() or str(error), 4096),
            ) from None
        return f"{done}, started"
    return done


def _edit(verb: str, domain: libvirt.virDomain, args: Mapping[str, str]) -> str:
    """Change the definition, then start it where that is wanted."""
    name = sanitise(domain.name(), 80)
    if not domain.isPersistent():
        raise TuivmError(f"Cannot change {name}", "it is transient: it has no definition")
    flags = libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE
    root = parse(domain.XMLDesc(flags))
    try:
        changed = EDITS[verb](root, args)
    except KeyError as error:
        raise TuivmError(f"Cannot change {name}", f"{error} is not given") from None
    if not changed:
        return _then(domain, args, "nothing to change")
    fresh = domain.connect().defineXMLFlags(etree.tostring(root, encoding="unicode"), 0)
    return _then(fresh, args, "definition changed")


def _net_start(domain: libvirt.virDomain, args: Mapping[str, str]) -> str:
    """Start a network, now and with its host; the default one is made where it is missing."""
    conn, name = domain.connect(), args.get("network", "")
    try:
        net = conn.networkLookupByName(name)
    except libvirt.libvirtError as error:
        if name != "default" or error.get_error_code() != libvirt.VIR_ERR_NO_NETWORK:
            raise
        net = conn.networkDefineXML(DEFAULT_NETWORK)
    if not net.isActive():
        net.create()
    if net.isPersistent():
        net.setAutostart(1)
    return _then(domain, args, f"network {sanitise(name, 80)} is active, now and with its host")


def _pool_start(domain: libvirt.virDomain, args: Mapping[str, str]) -> str:
    """Start a storage pool, now and with its host."""
    name = args.get("pool", "")
    pool = domain.connect().storagePoolLookupByName(name)
    if not pool.isActive():
        pool.create()
    if pool.isPersistent():
        pool.setAutostart(1)
    return _then(domain, args, f"pool {sanitise(name, 80)} is active, now and with its host")


def _copy_image(domain: libvirt.virDomain, args: Mapping[str, str]) -> str:
    """Copy a disk's file into a pool, and take the copy; the file stays where it is."""
    root = parse(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
    target, pool = args.get("target", ""), args.get("pool", "")
    disk = disk_of(root, target)
    source = disk.find("source") if disk is not None else None
    path = source.get("file") if source is not None else None
    if not path:
        raise TuivmError("Cannot copy the image", f"{sanitise(target, 40)} has no file")
    copied = copy_into_pool(domain.connect(), path, pool)
    return _edit("use-source", domain, {**args, "path": copied})


def _allow_path(domain: libvirt.virDomain, args: Mapping[str, str]) -> str:
    """Let the user that QEMU runs as reach a file."""
    who = Who.of(int(args.get("uid", "0")))
    return _then(domain, args, let_pass(args.get("path", ""), who, write=args.get("write") == "on"))


def _rebase_image(domain: libvirt.virDomain, args: Mapping[str, str]) -> str:
    """Write into an image where its backing file is now; no data is touched."""
    path, backing = args.get("path", ""), args.get("backing", "")
    program = find("qemu-img")
    if program is None:
        raise TuivmError("Cannot change the image", "qemu-img is not installed here")
    command = [program, "rebase", "-u", "-F", args.get("format", "qcow2"), "-b", backing, path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise TuivmError("Cannot change the image", sanitise(done.stderr, 400))
    return _then(domain, args, f"its backing file is {sanitise(backing, 300)} now")


def _force_off_holder(domain: libvirt.virDomain, args: Mapping[str, str]) -> str:
    """Force off the other domain that has the disk."""
    other = domain.connect().lookupByUUIDString(args.get("uuid", ""))
    name = sanitise(other.name(), 80)
    other.destroy()
    return _then(domain, args, f"{name} was forced off")


def _continue_qemu(domain: libvirt.virDomain, args: Mapping[str, str]) -> str:
    """Let a stopped QEMU process go on."""
    conn = domain.connect()
    process = qemu_of(domain.UUIDString()) if not split_uri(conn.getURI()).netloc else None
    if process is None or not process.stopped:
        raise TuivmError("Nothing to let go on", "its QEMU process is not stopped on this machine")
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGCONT)
    return f"QEMU (process {process.pid}) goes on"


CURES: dict[str, Verb] = {
    **{verb: partial(_edit, verb) for verb in EDITS},
    "net-start": _net_start,
    "pool-start": _pool_start,
    "copy-image": _copy_image,
    "allow-path": _allow_path,
    "rebase-image": _rebase_image,
    "force-off-holder": _force_off_holder,
    "continue-qemu": _continue_qemu,
    "add-agent": add_agent,
    "link-up": link_up,
    "give-memory": give_memory,
    "lift-limits": lift_limits,
}
"""By the verb of ``Backend.run``."""
