"""What the header of a group says: its name, its counts, and how its host stands."""

from __future__ import annotations

import time

from tuivm.core.cells import plain
from tuivm.core.glyphs import Glyphs, glyphs
from tuivm.core.grouping import OUT_OF_REACH, Grouping, GroupKey, vms_text
from tuivm.core.hoststate import state_word
from tuivm.core.model import HostState, HostStatus, State
from tuivm.core.rows import FRESH_STATES
from tuivm.core.text import uptime_text
from tuivm.screens import chrome
from tuivm.screens.context import Context
from tuivm.widgets.listbox import Span


def heading(context: Context, group: GroupKey) -> list[Span]:
    """The header's line; a host that isn't there says so, with what to press."""
    view = context.view
    signs = glyphs(context.options.ascii)
    status = context.store.hosts.get(group.name) if view.grouping is Grouping.HOST else None
    away = status is not None and status.state not in FRESH_STATES
    sign = signs.folded if group in view.folded else signs.opened
    title, role = view.group_title(group), "stale" if away else "section"
    if view.grouping is Grouping.STATE and group != OUT_OF_REACH:
        state = State(group.name)
        title, role = f"{signs.state(state)} {title}", f"state.{state.value}"
    spans = [Span(f"{sign} ", "key"), Span(title, role), Span("  ")]
    tally, marked = view.tally(group), view.marked_in(group)
    spans.append(Span(vms_text(tally.total), "dim" if away else ""))
    notes = [] if away else [Span(*note) for note in tally.notes(view.grouping, group)]
    if marked:
        notes.append(Span(f"{marked} marked", "mark"))
    notes += [] if status is None else _host(context, status)
    for note in notes:
        spans += [Span(f" {signs.dot} ", "dim"), Span(plain(note.text, signs), note.role)]
    return spans


def _host(context: Context, status: HostStatus) -> list[Span]:
    """How a host stands, where it isn't plainly there."""
    key = context.keymap.label("app.resync")
    match status.state:
        case HostState.UP:
            return []
        case HostState.DEGRADED:
            return [Span("answers late", "warn")]
        case HostState.SYNCING:
            return [Span("listing…", "pending")]
        case HostState.NEEDS_AUTH:
            return [Span(state_word(status), "warn"), *_press(key, "asks for it")]
        case HostState.LOST:
            left = chrome.retry_in(status)
            notes = [Span(_age(status), "stale"), *_press(key, "tries now")]
            if status.error is not None:
                notes.append(Span(status.error.message or status.error.title, "dim"))
            if left is not None:
                notes.append(Span(f"next attempt in {left} s", "dim"))
            return notes
        case HostState.DISABLED:
            return [Span(state_word(status), "dim"), *_press(key, "connects it")]
        case _:
            return [Span("connecting…", "pending")]


def _age(status: HostStatus) -> str:
    if status.seen_at is None:
        return "no connection yet"
    return f"out of reach for {uptime_text(time.time() - status.seen_at)}"


def _press(key: str, text: str) -> list[Span]:
    return [Span(f"{key} {text}", "dim")] if key else []


def host_detail(context: Context, status: HostStatus, count: int, signs: Glyphs) -> str:
    """A host's count of VMs and its state, for a menu."""
    text, _ = chrome.host_state(status, ascii_only=context.options.ascii)
    text += " up" if status.state is HostState.UP else ""
    return f"{vms_text(count)} {signs.dot} {text}"
