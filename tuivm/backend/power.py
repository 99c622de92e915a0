"""The lifecycle verbs, one function each, on a plain libvirt connection.

All run on a host's own thread and may block: a shutdown through the guest agent for 60 s,
a managed save for minutes. libvirt's own failures pass through as ``libvirt.libvirtError``;
``TuivmError`` says what is found out here before or after the call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial

import libvirt

from tuivm.backend import block_jobs
from tuivm.backend.acpi_xml import enable_acpi
from tuivm.backend.console_add import add_console
from tuivm.backend.console_log import add_console_log
from tuivm.backend.cures import CURES
from tuivm.backend.keycodes import parse_keys
from tuivm.backend.metadata import change_tags, set_description, set_title
from tuivm.backend.rename import rename
from tuivm.backend.shutdown import (
    ASLEEP,
    ask_agent,
    reboot,
    shut_down_best,
    shutdown,
    state_of,
)
from tuivm.backend.undefine import undefine
from tuivm.core.errors import TuivmError
from tuivm.core.text import sanitise

_ON = frozenset({"on", "yes", "true", "1", "enable"})
_OFF = frozenset({"off", "no", "false", "0", "disable"})


def run_verb(conn: libvirt.virConnect, uuid: str, verb: str, args: Mapping[str, str]) -> str:
    """Do one verb (virsh's spelling) on the domain with this UUID, looked up now.

    Returns a note for the event log, often empty. Raises ``libvirt.libvirtError`` as libvirt
    does, and ``TuivmError`` for what can be said better.
    """
    handler = VERBS.get(verb)
    if handler is None:
        raise TuivmError(
            "Unknown verb", f"there is no {sanitise(verb, 40)}", hint=f"known: {', '.join(VERBS)}"
        )
    return handler(conn.lookupByUUIDString(uuid), args)


def verb_call(
    uuid: str,
    verb: str,
    args: Mapping[str, str],
    submit: Callable[..., Future[None]] | None = None,
) -> Callable[[libvirt.virConnect], str]:
    """Return what does a verb on a connection; a shutdown without a mode in the best way.

    ``submit`` is the host's, for what has to be asked on a thread of its own.
    """
    if submit is not None and verb == "shutdown" and not args.get("mode"):
        return partial(shut_down_best, uuid=uuid, by_agent=partial(ask_agent, submit))
    return partial(run_verb, uuid=uuid, verb=verb, args=args)


def switch(args: Mapping[str, str], name: str, default: bool = False) -> bool:
    """Read a yes/no argument; raises ``TuivmError`` when it is neither."""
    value = args.get(name)
    if value is None:
        return default
    word = value.strip().lower()
    if word in _ON or word in _OFF:
        return word in _ON
    raise TuivmError(
        f"Wrong value for {name}", f"{sanitise(value, 40)} is not on or off", hint="say on or off"
    )


def _name(domain: libvirt.virDomain) -> str:
    return sanitise(domain.name(), 80)


def _start(domain: libvirt.virDomain, args: Mapping[str, str]) -> str:
    return _create(domain, args, 0)


def _start_paused(domain: libvirt.virDomain, args: Mapping[str, str]) -> str:
    return _create(domain, args, libvirt.VIR_DOMAIN_START_PAUSED)


def _create(domain: libvirt.virDomain, args: Mapping[str, str], flags: int) -> str:
    state = state_of(domain)
    if not flags and state in ASLEEP:
        _resume(domain, args)
        return "it was paused: resumed" if state == libvirt.VIR_DOMAIN_PAUSED else "woken up"
    fresh = switch(args, "force-boot")
    if fresh:
        flags |= libvirt.VIR_DOMAIN_START_FORCE_BOOT
    if switch(args, "bypass-cache"):
        flags |= libvirt.VIR_DOMAIN_START_BYPASS_CACHE
    saved = _has_managed_save(domain)
    try:
        if flags == libvirt.VIR_DOMAIN_START_PAUSED and domain.connect().getType() == "TEST":
            # The test driver has no CPU that could run ahead, and no flag for it either.
            domain.create()
            domain.suspend()
        else:
            domain.createWithFlags(flags)
    except libvirt.libvirtError as error:
        if not saved or fresh or domain.isActive():
            raise
        raise TuivmError(
            f"Cannot restore {_name(domain)} from its saved state",
            sanitise(error.get_error_message() or str(error)),
            hint="remove the saved state (managedsave-remove), then start: it boots afresh",
            code=error.get_error_code(),
            domain=error.get_error_domain(),
            call="virDomainCreateWithFlags",
            raw=sanitise(str(error)),
        ) from error
    if not saved:
        return ""
    return "saved state dropped, booted afresh" if fresh else "restored from its saved state"


def _has_managed_save(domain: libvirt.virDomain) -> bool:
    try:
        return bool(domain.hasManagedSaveImage())
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_SUPPORT:
            return False
        raise


def _reset(domain: libvirt.virDomain, args: Mapping[str, str]) -> str:
    domain.reset(0)
    return ""


def _destroy(domain: libvirt.virDomain, args: Mapping[str, str]) -> str:
    transient = not domain.isPersistent()
    flags = libvirt.VIR_DOMAIN_DESTROY_GRACEFUL if switch(args, "graceful") else 0
    domain.destroyFlags(flags)
    return "it was transient: its definition is gone" if transient else ""


def _suspend(domain: libvirt.virDomain, args: Mapping[str, str]) -> str:
    domain.suspend()
    return ""


def _resume(domain: libvirt.virDomain, args: Mapping[str, str]) -> str:
    if domain.state()[0] == libvirt.VIR_DOMAIN_PMSUSPENDED:
        domain.pMWakeup(0)
        return "woken from its own sleep"
    domain.resume()
    return ""


def _undefine(domain: libvirt.virDomain, args: Mapping[str, str]) -> str:
    return undefine(
        domain,
        keep_running=switch(args, "keep-running"),
        delete_nvram=switch(args, "nvram"),
        delete_tpm=switch(args, "tpm"),
    )


def _autostart(domain: libvirt.virDomain, args: Mapping[str, str]) -> str:
    wanted = switch(args, "value", default=True)
    if not domain.isPersistent():
        raise TuivmError(
            f"Cannot set autostart of {_name(domain)}",
            "it is transient: it has no definition to start from",
        )
    if bool(domain.autostart()) == wanted:
        return f"autostart was {'on' if wanted else 'off'} already"
    domain.setAutostart(int(wanted))
    return ""


def _managedsave(domain: libvirt.virDomain, args: Mapping[str, str]) -> str:
    flags = 0
    if switch(args, "bypass-cache"):
        flags |= libvirt.VIR_DOMAIN_SAVE_BYPASS_CACHE
    if switch(args, "running"):
        flags |= libvirt.VIR_DOMAIN_SAVE_RUNNING
    if switch(args, "paused"):
        flags |= libvirt.VIR_DOMAIN_SAVE_PAUSED
    domain.managedSave(flags)
    return "memory saved: the next start goes on from here"


def _managedsave_remove(domain: libvirt.virDomain, args: Mapping[str, str]) -> str:
    if not domain.hasManagedSaveImage():
        return "there was no saved state"
    domain.managedSaveRemove()
    return "saved state removed: the next start boots afresh"


def _send_key(domain: libvirt.virDomain, args: Mapping[str, str]) -> str:
    codes = list(parse_keys(args.get("keys", "")))
    hold = args.get("holdtime", "0")
    if not (hold.isascii() and hold.isdigit() and int(hold) <= 60_000):
        raise TuivmError("Wrong holdtime", f"{sanitise(hold, 40)} is not 0 to 60000 milliseconds")
    domain.sendKey(libvirt.VIR_KEYCODE_SET_LINUX, int(hold), codes, len(codes), 0)
    return ""


def _inject_nmi(domain: libvirt.virDomain, args: Mapping[str, str]) -> str:
    domain.injectNMI(0)
    return ""


def _set_lifecycle_action(domain: libvirt.virDomain, args: Mapping[str, str]) -> str:
    kind, action = args.get("type", ""), args.get("action", "")
    if kind not in _LIFECYCLE_TYPES or action not in _LIFECYCLE_ACTIONS:
        raise TuivmError(
            "Wrong lifecycle action",
            f"{sanitise(kind, 40)} {sanitise(action, 40)} is none",
            hint="poweroff, reboot or crash; destroy, restart, rename-restart or preserve",
        )
    flags = libvirt.VIR_DOMAIN_AFFECT_CONFIG if domain.isPersistent() else 0
    if domain.isActive():
        flags |= libvirt.VIR_DOMAIN_AFFECT_LIVE
    domain.setLifecycleAction(_LIFECYCLE_TYPES[kind], _LIFECYCLE_ACTIONS[action], flags)
    return ""


_LIFECYCLE_TYPES = {"poweroff": 0, "reboot": 1, "crash": 2}
_LIFECYCLE_ACTIONS = {"destroy": 0, "restart": 1, "rename-restart": 2, "preserve": 3}
"""``virDomainLifecycle`` and ``virDomainLifecycleAction``."""


def _abort_job(domain: libvirt.virDomain, args: Mapping[str, str]) -> str:
    if disk := args.get("disk", ""):
        return block_jobs.abort(domain, disk)
    domain.abortJob()
    return ""


VERBS: dict[str, Callable[[libvirt.virDomain, Mapping[str, str]], str]] = {
    "start": _start,
    "start-paused": _start_paused,
    "shutdown": shutdown,
    "reboot": reboot,
    "reset": _reset,
    "destroy": _destroy,
    "suspend": _suspend,
    "resume": _resume,
    "undefine": _undefine,
    "autostart": _autostart,
    "managedsave": _managedsave,
    "managedsave-remove": _managedsave_remove,
    "send-key": _send_key,
    "inject-nmi": _inject_nmi,
    "set-lifecycle-action": _set_lifecycle_action,
    "abort-job": _abort_job,
    "pivot": block_jobs.pivot,
    "enable-acpi": enable_acpi,
    "tag": change_tags,
    "title": set_title,
    "desc": set_description,
    "rename": rename,
    "add-console": add_console,
    "add-console-log": add_console_log,
    **CURES,
}
"""Every verb that ``run_verb`` takes."""
