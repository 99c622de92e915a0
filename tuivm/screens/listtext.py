"""What the list says in words: its summary line, and why it is empty."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from tuivm.core.columns import BY_ID
from tuivm.core.glyphs import Glyphs, glyphs
from tuivm.core.grouping import Grouping
from tuivm.core.model import HostState, HostStatus
from tuivm.core.query import has_field
from tuivm.core.text import cell_width, fit
from tuivm.screens import chrome
from tuivm.screens.context import Context
from tuivm.widgets.bars import Part
from tuivm.widgets.listbox import Span

NAME_CELLS = 20
"""Cells of a saved view's name in the summary line."""


def summary(context: Context, width: int) -> tuple[list[Part], list[Part]]:
    """Counts, marks and the filter at the left; the sort order at the right."""
    view = context.view
    signs = glyphs(context.options.ascii)
    left = _counts(context, signs)
    if view.faults_only:
        left += [Part("   "), Part("only faults", "warn", "list.faults")]
    if view.filter_text:
        left += [Part("   "), Part("/", "key", "app.filter")]
        left += [Part(view.filter_text, "accent", "app.filter")]
    arrow = signs.sort_down if view.descending else signs.sort_up
    header = BY_ID[view.sort_column].header.rstrip("%")
    order = Part(f"sort {header} {arrow} ", "dim", "list.sort")
    name, group = _view_name(context), _grouping(context)
    used = sum(cell_width(part.text) for part in left)
    # Where there is no room for all, the header line tells the order all the same.
    gap = Part("   ")
    both = [*name, gap, *group] if name and group else [*name, *group]
    for right in ([*both, gap, order] if both else [order], both, group):
        if right and used + sum(cell_width(part.text) for part in right) + 2 <= width:
            return left, right
    return left, name[1:]


def _grouping(context: Context) -> list[Part]:
    grouping = context.view.grouping
    if grouping is Grouping.NONE:
        return []
    return [Part(f"by {grouping}", "accent", "list.group")]


def _view_name(context: Context) -> list[Part]:
    """The saved view that is shown; a star behind it where the list is not as it was saved."""
    current = context.views.current
    if current is None:
        return []
    changed = "*" if context.views.changed(context.view) else ""
    name = fit(current.name, min(NAME_CELLS, cell_width(current.name)))
    return [
        Part("view ", "dim", "list.views"),
        Part(f"{name}{changed} ", "accent", "list.views"),
    ]


def _counts(context: Context, signs: Glyphs) -> list[Part]:
    view = context.view
    counts = view.counts()
    if not context.store.rows:
        return [Part(" "), Part(_waiting(context), "dim")]
    dot = Part(f" {signs.dot} ", "dim")
    noun = "VM" if counts.total == 1 else "VMs"
    total = f"{counts.total} {noun}"
    if counts.shown != counts.total:
        total = f"{counts.shown} of {total}"
    parts = [Part(" "), Part(total, "strong")]
    for count, word, role in (
        (counts.running, "running", "good"),
        (counts.paused, "paused", "warn"),
        (counts.faults, "fault" if counts.faults == 1 else "faults", "bad"),
        (counts.stale, "out of reach", "warn"),
    ):
        if count:
            parts += [dot, Part(f"{count} {word}", role)]
    if counts.marked:
        hidden = f" ({counts.hidden_marks} hidden)" if counts.hidden_marks else ""
        parts += [dot, Part(f"{counts.marked} marked{hidden}", "mark", "list.clear_marks")]
    return parts


def _waiting(context: Context) -> str:
    hosts = [*context.store.hosts.values()]
    if any(status.state is HostState.SYNCING for status in hosts):
        return "listing…"
    if any(status.state.connected for status in hosts):
        return "no VMs"
    if any(status.state is HostState.LOST for status in hosts):
        return "no connection"
    if all(status.state is HostState.DISABLED for status in hosts) and hosts:
        return "disconnected"
    return "no host" if context.store.hosts_went and not hosts else "connecting…"


Lines = tuple[tuple[Span, ...], ...]


NAMED = 2
"""Hosts that are named where there are more."""


def empty_lines(context: Context, width: int) -> Lines:
    """Why there is no row, and what to do about it."""
    key = context.keymap
    if context.store.rows:
        return _hidden_lines(context)
    hosts = list(context.store.hosts.values())
    lost = [status for status in hosts if status.state in (HostState.LOST, HostState.NEEDS_AUTH)]
    if lost:
        return _lost_lines(context, lost, max(20, width - 8))
    if not hosts and context.store.hosts_went:
        keys = (key.label("view.hosts"), "shows the hosts"), (key.label("host.add"), "adds one")
        return ((Span("There is no host to show VMs of."),), (), _hint(*keys))
    if hosts and all(status.state is HostState.DISABLED for status in hosts):
        named = hosts[0].id if len(hosts) == 1 else f"All {len(hosts)} hosts"
        verb = "is" if len(hosts) == 1 else "are"
        keys = (key.label("view.hosts"), "shows the hosts"), (key.label("host.toggle"), "connects")
        return ((Span(named, "accent"), Span(f" {verb} disconnected.")), (), _hint(*keys))
    hosts = [status for status in hosts if status.state is not HostState.DISABLED]
    if hosts and all(status.state.connected for status in hosts):
        return _vacant_lines(context, hosts)
    uris = ", ".join(status.uri for status in hosts if not status.state.connected)
    return ((Span(f"Connecting{' to ' if uris else ''}"), Span(uris, "accent"), Span("…")),)


def _hidden_lines(context: Context) -> Lines:
    """There are rows, and none of them is shown."""
    view, key = context.view, context.keymap
    if view.filter_text:
        hints = [
            (key.label("nav.back"), "clears the filter"),
            (key.label("app.filter"), "changes it"),
        ]
        if has_field(view.filter_text, "host"):
            hints.append((key.label("list.host"), "shows all hosts' VMs"))
        sought = Span(f"/{view.filter_text}", "accent")
        unknown = _unknown_lines(context)
        if not view.faults_only:
            return ((Span("No VM matches "), sought), *unknown, (), _hint(*hints))
        faults = (key.label("list.faults"), "shows those without a fault too")
        return (
            (Span("No VM with a fault matches "), sought),
            *unknown,
            (),
            _hint(faults),
            _hint(*hints),
        )
    return (
        (Span("No VM needs a look: none crashed, none paused by an error.", "good"),),
        (),
        _hint((key.label("list.faults"), "shows all VMs again")),
    )


def _unknown_lines(context: Context) -> Lines:
    """Which hosts may have what the filter looks for: nothing is known of their VMs."""
    listed = {key.host for key in context.store.rows}
    away = [
        status.id
        for status in context.store.hosts.values()
        if not status.state.connected and status.id not in listed
    ]
    # A host that is asked for by its name comes before the others.
    text = context.view.filter_text.casefold()
    away = [name for name in away if name.casefold() in text] or away
    if not away:
        return ()
    rest = len(away) - NAMED
    names = ", ".join(away[:NAMED]) + (f" and {rest} more" if rest > 0 else "")
    what = " is not connected: its VMs" if len(away) == 1 else " are not connected: their VMs"
    label = context.keymap.label("view.hosts")
    return (
        (Span(names, "accent"), Span(f"{what} are not known.", "warn")),
        *((_hint((label, "shows the hosts")),) if label else ()),
    )


def _vacant_lines(context: Context, hosts: Sequence[HostStatus]) -> Lines:
    """These hosts are listed, and have no VM."""
    key = context.keymap
    where = hosts[0].uri if len(hosts) == 1 else f"these {len(hosts)} hosts"
    other = context.elsewhere
    if other is not None:
        noun = "VM" if other.vms == 1 else "VMs"
        there = f" has {other.vms} {noun}: it is this machine's other connection."
        return (
            (Span("No virtual machines on "), Span(where, "accent"), Span(".")),
            (),
            (Span(other.uri, "accent"), Span(there)),
            _hint((key.label("list.elsewhere"), "opens it too")),
        )
    return (
        (Span("No virtual machines on "), Span(where, "accent"), Span(" yet.")),
        (),
        (
            Span("virt-install", "strong"),
            Span(" makes one, "),
            Span("virsh define", "strong"),
            Span(" takes one from XML;"),
        ),
        (Span("it shows up here by itself."),),
        (
            Span("Is it on another host? ", "dim"),
            Span(key.label("view.hosts"), "key"),
            Span(" shows the hosts, ", "dim"),
            Span(key.label("host.add"), "key"),
            Span(" there adds one.", "dim"),
        ),
        (Span("tuivm --demo", "strong"), Span(" is an example fleet.", "dim")),
    )


def _lost_lines(context: Context, lost: Sequence[HostStatus], width: int) -> Lines:
    lines: list[tuple[Span, ...]] = []
    for status in lost[:4]:
        error = status.error
        title = error.title if error is not None else f"{status.uri} does not answer"
        lines += [(Span(text, "bad"),) for text in wrap(title, width)]
        if error is not None and error.message:
            lines += [(Span(text),) for text in wrap(error.message, width)]
        if error is not None and error.hint:
            arrow = "> " if context.options.ascii else "→ "
            for place, text in enumerate(wrap(error.hint, width - 2)):
                lines.append((Span("  " if place else arrow, "key"), Span(text, "strong")))
        left = chrome.retry_in(status)
        if left is not None:
            lines.append((Span(f"Next attempt in {left} s.", "dim"),))
        lines.append(())
    lines.append(
        _hint(
            (context.keymap.label("app.resync"), "tries now"),
            (context.keymap.label("view.hosts"), "shows all of the error"),
        )
    )
    return tuple(lines)


def _hint(*pairs: tuple[str, str]) -> tuple[Span, ...]:
    spans: list[Span] = []
    for key, text in pairs:
        if spans:
            spans.append(Span(", ", "dim"))
        spans += [Span(key, "key"), Span(f" {text}", "dim")]
    return tuple(spans)
