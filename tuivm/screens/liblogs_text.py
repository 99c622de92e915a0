"""What the page on libvirt's logs says: lines, facts and plain text; pure functions."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import NamedTuple

from tuivm.core.clientlog import ClientLog
from tuivm.core.daemonlog import (
    AdminDoor,
    DaemonClient,
    DaemonLogs,
    Preset,
    Setting,
    filter_presets,
    is_same,
    output_presets,
)
from tuivm.core.errors import TuivmError
from tuivm.core.text import duration_text, fit, sanitise
from tuivm.screens.reopening import why_not
from tuivm.widgets.listbox import Line, Span

Fields = list[tuple[str, str, str]]

HELP: Mapping[Setting, str] = {
    "filters": "LEVEL:PART, several with spaces: 1:qemu 3:rpc. Levels: 1 all, 2 from info on, "
    "3 from warnings on, 4 errors. The first that fits a message counts; empty is none.",
    "outputs": "LEVEL:WHERE, several with spaces: 1:file:/PATH, 3:journald, 3:syslog:NAME, "
    "3:stderr. Empty is the daemon's default.",
}
BOTH: tuple[Setting, ...] = ("filters", "outputs")
UNSEEN = "no output takes what the filters let through: its level there has to be 1 too (o)"
KEYS = "123456789abcdefghijklmnop"
"""One for each daemon in the menu."""
ABOUT = {
    "libvirtd": "all of libvirt in one",
    "virtqemud": "VMs",
    "virtlogd": "what VMs' consoles and QEMU print",
    "virtlockd": "locks on images",
    "virtnetworkd": "networks",
    "virtstoraged": "storage pools",
    "virtnodedevd": "the host's devices",
    "virtsecretd": "secrets",
    "virtnwfilterd": "network filters",
    "virtinterfaced": "the host's network interfaces",
    "virtproxyd": "connections from other machines",
}
_LABEL = 9
_SHOWN = {
    "sasl_user_name": "SASL user",
    "unix_user_name": "User",
    "unix_user_id": "User id",
    "unix_group_name": "Group",
    "unix_process_id": "Process",
    "sock_addr": "Address",
    "tls_x509_dname": "TLS name",
    "selinux_context": "SELinux",
}


class Page(NamedTuple):
    """What the page is about."""

    client: ClientLog
    doors: Sequence[AdminDoor]
    daemon: str
    """Which of ``doors`` is shown; empty while none was found."""
    logs: DaemonLogs | None
    error: TuivmError | None


def presets(what: Setting, logs: DaemonLogs) -> tuple[Preset, ...]:
    """What the menu of a setting offers."""
    return filter_presets(logs.daemon) if what == "filters" else output_presets(logs)


def lines(page: Page, width: int, now: float) -> list[Line]:
    """The page, for a width in cells."""
    client, doors, daemon, logs, error = page
    found = [_head("This program"), _setting("client", "log", client_text(client), client.on)]
    found.append(_head(f"The daemon: {daemon}" if daemon else "The daemon"))
    if len(doors) > 1:
        found.append(_daemons(doors, daemon, width))
    if error is not None:
        found += _wrapped(f"{error.title}: {error.message}", "warn", width)
        found += _wrapped(error.hint, "strong", width)
    if logs is None:
        return found
    for what in BOTH:
        found.append(_setting(what, what, logs.now(what) or "none", False))
        found += _wrapped(_was(what, logs), "warn", width)
    if logs.unseen:
        found += _wrapped(UNSEEN, "warn", width)
    found.append(_head(f"Connected: {len(logs.clients)}"))
    columns = f" {'SERVER':<10} {'ID':>5}  {'FOR':<7} {'BY':<5} {'ACCESS':<10}  WHO"
    found.append(Line((Span(columns, "dim"),), selectable=False))
    found += [_client(one, now) for one in logs.clients]
    return found


def client_text(log: ClientLog) -> str:
    """How libvirt's client logs here, in one line."""
    if log.on:
        return f"on, in {sanitise(log.where, 300)}"
    return f"off: {log.reason}" if log.reason else "off"


def facts(key: str, page: Page, now: float) -> Fields:
    """All about the line under the cursor."""
    logs = page.logs
    if key == "client":
        return _client_facts(page.client)
    if key == "daemon":
        return _door_facts(page)
    if logs is None:
        return []
    if key in ("filters", "outputs"):
        what: Setting = "filters" if key == "filters" else "outputs"
        return [
            ("Now", logs.now(what) or "none", "strong"),
            ("At first", logs.found[what] or "none", ""),
            ("Form", HELP[what], "dim"),
            ("Lasts", "until the daemon is restarted; its .conf file has what comes then", ""),
            ("By hand", f"{logs.command} daemon-log-{what}", "dim"),
        ]
    one = next((one for one in logs.clients if _key(one) == key), None)
    return [] if one is None else _who(one, now)


def _client_facts(log: ClientLog) -> Fields:
    if not log.on:
        rows: Fields = [("Log", "off", "")]
        if log.reason:
            rows.append(("Why", log.reason, "warn"))
        how = "O opens tuivm anew with it: libvirt decides once, when it is first used"
        return [*rows, ("What to do", how, "strong")]
    rows = [("In" if log.ours else "Goes to", sanitise(log.where, 400), "strong")]
    rows.append(("Size", log.bound, ""))
    rows.append(("Decided by", "LIBVIRT_ variables" if log.chosen else "--debug", ""))
    if log.path:
        rows.append(("Show", "l shows its end", ""))
    rows.append(("Take care", "XML that is defined is in it, passwords included", "warn"))
    return [*rows, ("Switch", why_not(log) or "O opens tuivm anew without it", "")]


def _who(one: DaemonClient, now: float) -> Fields:
    rows: Fields = [("Client", f"{one.number} of {one.server}: {one.who}", "strong")]
    if one.since is not None:
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(one.since))
        rows.append(("Since", f"{stamp}, for {duration_text(now - one.since)}", ""))
    rows.append(("By", " ".join(word for word in (one.transport, one.access) if word), ""))
    rows += [(label, one.fields[name], "") for name, label in _SHOWN.items() if name in one.fields]
    if not one.fields:
        rows.append(("More", f"virt-admin client-info {one.server} {one.number}", "dim"))
    return rows


def _head(text: str) -> Line:
    return Line((Span(f" {text}", "header"),), selectable=False)


def remark(door: AdminDoor, shown: str) -> str:
    """What the menu says of a daemon."""
    return "shown now" if door.daemon == shown else ABOUT.get(door.daemon, "")


def _daemons(doors: Sequence[AdminDoor], shown: str, width: int) -> Line:
    """All that can be chosen, the one that is shown marked by more than its colour."""
    spans = [Span(f"   {'choose':<{_LABEL}}", "label")]
    if sum(len(one.daemon) + 2 for one in doors) > width - _LABEL - 5:
        spans += [Span(f"[{shown}]", "accent"), Span(f" or one of {len(doors) - 1} more (d)")]
        return Line(tuple(spans), "daemon")
    for one in doors:
        chosen = one.daemon == shown
        role = "accent" if chosen else "dim" if one.reason else ""
        spans.append(Span(f"[{one.daemon}]" if chosen else f" {one.daemon} ", role))
    return Line(tuple(spans), "daemon")


def _door_facts(page: Page) -> Fields:
    rows: Fields = [("Shown", page.daemon, "strong")]
    others = [one.daemon for one in page.doors if one.daemon != page.daemon and not one.reason]
    if others:
        rows.append(("Others", " ".join(others), ""))
        rows.append(("Choose", "d, or enter here", "strong"))
    rows += [(one.daemon, one.reason, "warn") for one in page.doors if one.reason]
    return rows


def _setting(key: str, label: str, value: str, on: bool) -> Line:
    spans = (Span(f"   {label:<{_LABEL}}", "label"), Span(value, "accent" if on else ""))
    return Line(spans, key)


def _was(what: Setting, logs: DaemonLogs) -> str:
    """That a setting is not as it was found, so that it is not left like that by mistake."""
    if is_same(logs.now(what), logs.found[what]):
        return ""
    return f"tuivm found {logs.found[what] or 'none'}; {what[0]} b sets it back"


def _wrapped(text: str, role: str, width: int) -> list[Line]:
    return [
        Line((Span(f"   {part}", role),), selectable=False)
        for part in wrap(text, max(20, width - 5))
    ]


def _key(one: DaemonClient) -> str:
    return f"{one.server}/{one.number}"


def _client(one: DaemonClient, now: float) -> Line:
    age = "" if one.since is None else duration_text(now - one.since)
    spans = (
        Span(f" {fit(one.server, 10)} {one.number:>5}  "),
        Span(f"{age:<7} {fit(one.transport, 5)} "),
        Span(f"{one.access or '-':<10}  ", "warn" if one.access == "read-only" else ""),
        Span(one.who, "dim" if one.ours else ""),
    )
    return Line(spans, _key(one))


def as_text(host: str, page: Page, now: float) -> str:
    """All of it as plain text."""
    found: Sequence[Line] = lines(page, 10_000, now)
    body = "\n".join("".join(span.text for span in line.spans).rstrip() for line in found)
    return f"{host}\n{body}\n"
