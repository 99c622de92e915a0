"""What the three bars say, as parts; pure functions of the context and the width."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from tuivm.core.hoststate import state_word
from tuivm.core.keymap import Keymap
from tuivm.core.model import HostState, HostStatus, LogEntry, Severity
from tuivm.core.text import cell_width, took_text
from tuivm.screens.context import Context
from tuivm.widgets.bars import Part

if TYPE_CHECKING:
    from tuivm.core.bulk import Bulk

YES, NO = "answer.yes", "answer.no"
"""What a click on the question's answers stands for."""

VIEWS = (
    ("view.vms", "VMs"),
    ("view.hosts", "Hosts"),
    ("view.jobs", "Jobs"),
    ("view.events", "Events"),
)
"""The views of the top bar in order, with their titles."""

DEMO = "an example fleet in this process: nothing you do here touches a real VM"

_SEVERITY_ROLES = {
    Severity.INFO: "",
    Severity.GOOD: "good",
    Severity.WARNING: "warn",
    Severity.ERROR: "bad",
}


def top_parts(context: Context, view: str, width: int) -> tuple[list[Part], list[Part]]:
    """The top bar: the views at the left, the hosts' states and modes at the right."""
    left = [Part(" "), Part("tuivm", "title"), Part(" ")]
    for action_id, title in VIEWS:
        key = context.keymap.label(action_id)
        left.append(Part(" "))
        if key:
            left.append(Part(key, "key", action_id))
        left.append(Part(" ", "", action_id))
        left.append(Part(title, "view.on" if action_id == view else "view", action_id))
        if action_id == "view.jobs":
            left += _job_parts(context)
        left.append(Part(" "))
    room = width - sum(cell_width(part.text) for part in left) - 1
    return left, host_parts(context, room)


def job_count(context: Context) -> tuple[int, int]:
    """How many jobs are under way, and how many of them do not go on."""
    stops, jobs = context.stops, context.store.jobs
    others = sum(1 + len(job.more) for key, job in jobs.items() if key not in stops.by_key)
    return len(stops) + others, len(stops.late)


def _job_parts(context: Context) -> list[Part]:
    count, late = job_count(context)
    return [Part(f" {count}", "alarm" if late else "accent", "view.jobs")] if count else []


def host_parts(context: Context, room: int) -> list[Part]:
    """Each host's state where all fit, else counts; then DEMO and RO."""
    tail: list[Part] = []
    if context.options.demo:
        tail += [Part(" "), Part("DEMO", "banner")]
    if context.options.readonly:
        tail += [Part(" "), Part("RO", "banner")]
    tail.append(Part(" "))
    room -= sum(cell_width(part.text) for part in tail)
    hosts = list(context.store.hosts.values())
    if not hosts:
        text = "no host" if context.store.hosts_went else "connecting…"
        return [Part(text, "dim", "view.hosts"), *tail]
    full: list[Part] = []
    for status in hosts:
        text, role = host_state(status, ascii_only=context.options.ascii)
        name = Part(status.id + " ", host_role(status), "view.hosts")
        full += [name, Part(text, role, "view.hosts"), Part(" ")]
    if sum(cell_width(part.text) for part in full) <= room:
        return [*full, *tail]
    return [*_host_counts(hosts, room), *tail]


def _host_counts(hosts: Sequence[HostStatus], room: int) -> list[Part]:
    """``hosts 38 up 2 lost``; what matters least goes first where there is no room."""
    parts = [
        Part(f" {count} {word}", role, "view.hosts") for count, word, role in count_states(hosts)
    ]
    room -= len("hosts ")
    while len(parts) > 1 and sum(cell_width(part.text) for part in parts) > room:
        parts.pop()
    return [Part("hosts", "", "view.hosts"), *parts, Part(" ")]


def count_states(hosts: Sequence[HostStatus]) -> list[tuple[int, str, str]]:
    """How many hosts are how, as (count, word, role); what there is none of is left out."""
    states = [status.state for status in hosts]
    kinds = {
        ("up", "good"): (HostState.UP,),
        ("lost", "bad"): (HostState.LOST,),
        ("needs you" if states.count(HostState.NEEDS_AUTH) == 1 else "need you", "warn"): (
            HostState.NEEDS_AUTH,
        ),
        ("slow", "warn"): (HostState.DEGRADED,),
        ("waiting", "warn"): (HostState.IDLE, HostState.CONNECTING, HostState.SYNCING),
        ("disabled", "dim"): (HostState.DISABLED,),
    }
    found = [(sum(map(states.count, of)), *kind) for kind, of in kinds.items()]
    return [one for one in found if one[0]]


def host_role(status: HostStatus, default: str = "") -> str:
    """The role of a host's name: its own colour, where it has one."""
    return f"colour.{status.colour}" if status.colour else default


def host_state(status: HostStatus, *, ascii_only: bool = False) -> tuple[str, str]:
    """A host's state as a glyph with, where it isn't plainly up, a word; and its role."""
    up, wait, lost, off = ("*", "~", "x", "o") if ascii_only else ("●", "◌", "✗", "○")
    match status.state:
        case HostState.UP:
            return up, "good"
        case HostState.DEGRADED:
            return f"{wait} slow", "warn"
        case HostState.LOST:
            left = retry_in(status)
            return f"{lost} lost" if left is None else f"{lost} retry {left}s", "bad"
        case HostState.NEEDS_AUTH:
            return f"{lost} {state_word(status)}", "warn"
        case HostState.DISABLED:
            return f"{off} {state_word(status)}", "dim"
        case HostState.SYNCING:
            return f"{wait} listing", "warn"
        case _:
            return f"{wait} connecting", "warn"


def retry_in(status: HostStatus) -> int | None:
    """Whole seconds until the next attempt, or None when none is planned."""
    if status.retry_at is None:
        return None
    return max(0, round(status.retry_at - time.monotonic()))


def event_parts(context: Context, width: int) -> tuple[list[Part], list[Part]]:
    """How far a verb on many VMs is; else the newest log entry with its virsh equivalent."""
    if (bulk := context.bulks.running) is not None:
        return bulk_parts(context, bulk), []
    if not context.store.log:
        label = context.keymap.label
        keys = f"{label('app.help')} shows every key, {label('app.command')} takes virsh's verbs"
        text = context.options.banner or (DEMO if context.options.demo else keys)
        return [Part(" "), Part(text, "dim")], []
    entry = context.bulks.news(context.store.log[-1], time.time())
    left = [Part(" "), Part(clock(entry.at), "dim"), Part(" "), *entry_parts(entry)]
    if entry.seconds is not None:
        left.append(Part(f" ({took_text(entry.seconds)})", "dim", "view.events"))
    used = sum(cell_width(part.text) for part in left)
    if entry.virsh and used + cell_width(entry.virsh) + 4 <= width:
        return left, [Part(entry.virsh, "dim"), Part(" ")]
    return left, []


def bulk_parts(context: Context, bulk: Bulk) -> list[Part]:
    """A verb on many VMs that goes on: how far, and the key that cancels the rest."""
    parts = [Part(" "), Part(bulk.progress(), "pending", "view.results")]
    key = context.keymap.label("bulk.cancel")
    if key and not bulk.cancelled:
        parts += [Part(" · ", "dim"), Part(key, "key", "bulk.cancel"), Part(" cancels")]
    key = context.keymap.label("view.results")
    if key:
        parts += [Part(" · ", "dim"), Part(key, "key", "view.results"), Part(" shows all")]
    return parts


def entry_parts(entry: LogEntry) -> list[Part]:
    """An entry's text and, for errors, its cause and next step."""
    parts = [Part(entry.text, _SEVERITY_ROLES[entry.severity], "view.events")]
    if entry.error is not None and entry.error.message:
        parts.append(Part(f": {entry.error.message}", "", "view.events"))
    if entry.error is not None and entry.error.hint:
        parts.append(Part(f" ({entry.error.hint})", "dim", "view.events"))
    return parts


def clock(at: float) -> str:
    """A wall-clock time as ``14:32:07``."""
    return time.strftime("%H:%M:%S", time.localtime(at))


def hint_parts(keymap: Keymap, hints: Iterable[tuple[str, str]], width: int) -> list[Part]:
    """The footer: as many hints as fit, in the order given; help is always kept."""
    items = [(keymap.label(action_id), label, action_id) for action_id, label in hints]
    items = [item for item in items if item[0]]
    last = [item for item in items if item[2] == "app.help"]
    room = width - 1 - sum(_hint_width(item) for item in last)
    shown: list[tuple[str, str, str]] = []
    for item in items:
        if item[2] == "app.help":
            continue
        room -= _hint_width(item)
        if room < 0:
            break
        shown.append(item)
    parts = [Part(" ")]
    for key, label, action_id in [*shown, *last]:
        parts += [Part(key, "key", action_id), Part(f" {label}", "", action_id), Part("  ")]
    return parts


def _hint_width(item: tuple[str, str, str]) -> int:
    return cell_width(item[0]) + cell_width(item[1]) + 3


ANSWERS = 27
"""Cells of what can be answered to a yes/no question, with the space around it."""


def question_lines(question: str, width: int) -> tuple[str, str]:
    """Split what a question adds in brackets off where the footer has no room for both."""
    head, bracket, remark = question.partition("? (")
    if not bracket or not remark.endswith(")") or cell_width(question) + ANSWERS <= width:
        return question, ""
    return f"{head}?", remark[:-1]


def question_parts(question: str) -> tuple[list[Part], list[Part]]:
    """A yes/no question for the footer; where there is no room the answers stay."""
    answers = [
        Part(" "),
        Part("y", "key", YES),
        Part(" yes", "", YES),
        Part("   "),
        Part("any other key", "key", NO),
        Part(" no ", "", NO),
    ]
    return [Part(" "), Part(question, "warn")], answers
