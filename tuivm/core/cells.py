"""What each column of the list says about a row: text and role, and the sort key."""

from __future__ import annotations

import time
from typing import NamedTuple

from tuivm.core.addresses import preferred, usable
from tuivm.core.glyphs import UNICODE, Glyphs
from tuivm.core.history import memory_value
from tuivm.core.model import State, Stats
from tuivm.core.rows import Row
from tuivm.core.text import (
    bytes_text,
    cell_width,
    fit,
    natural_key,
    pair_text,
    rate_text,
    uptime_text,
)


class Cell(NamedTuple):
    """What a cell shows. Roles are words that the theme turns into styles."""

    text: str
    role: str = ""
    tail: str = ""
    """A second part right after the text, with its own role."""
    tail_role: str = ""
    keeps_end: bool = False
    """Where it is too long it is cut in the middle; for texts without a tail."""


class Paint:
    """With what, and when, cells are drawn."""

    __slots__ = ("glyphs", "now", "spark")

    def __init__(
        self, glyphs: Glyphs = UNICODE, now: float | None = None, spark: bool = True
    ) -> None:
        self.glyphs = glyphs
        self.now = time.time() if now is None else now
        """Wall-clock time, for ages."""
        self.spark = spark
        """Draw sparklines, which change whole with every sample."""


_ORDER = {state: index for index, state in enumerate(State)}


def state_text(row: Row) -> str:
    """Say the state in words, with its reason where that matters: ``paused: I/O error``."""
    domain = row.domain
    if domain.saved:
        return "off: saved"
    return f"{domain.state.value}: {domain.reason}" if domain.reason else domain.state.value


def state_role(row: Row) -> str:
    """Return the role in which a row's state is drawn."""
    if row.stale:
        return "stale"
    if row.domain.faulty:
        return "state.fault"
    return f"state.{row.domain.state.value}"


STALE_WIDTH = 19
"""Cells of a state with its age: ``? running 3d04h ago``."""


def state_cell(row: Row, paint: Paint, width: int) -> Cell:
    """Sign and word; an action under way stands before the state, an old state has its age."""
    signs = paint.glyphs
    domain = row.domain
    sign = signs.saved if domain.saved else signs.state(domain.state)
    if row.stale:
        return _stale_cell(row, paint, width)
    if row.pending is not None and row.pending.text:
        role = "warn" if row.pending.late else "pending"
        return Cell(f"{sign} {plain(row.pending.text, signs)}", role)
    text = state_text(row)
    if domain.reason and not domain.saved and 2 + cell_width(text) > width:
        # The sign and the colour tell the state already; the reason is the news.
        text = domain.reason
    return Cell(f"{sign} {text}", state_role(row))


def _stale_cell(row: Row, paint: Paint, width: int) -> Cell:
    """What it did when it was last seen, and when that was; whole words where room is scarce."""
    sign, word = paint.glyphs.unknown_state, row.domain.state.value
    seen = row.host.seen_at
    if seen is None:
        return Cell(f"{sign} {word}", "stale")
    age = uptime_text(paint.now - seen)
    for text in (f"{sign} {word} {age} ago", f"{sign} {word} {age}"):
        if cell_width(text) <= width:
            return Cell(text, "stale")
    return Cell(f"{sign} {age} ago", "stale")


def plain(text: str, signs: Glyphs) -> str:
    """Write one of our own texts with the ellipsis of the glyph set."""
    return text if signs is UNICODE else text.replace("…", "...")


def state_key(row: Row) -> tuple[int, int, str]:
    """Faults first, then by state as a person counts them: running, paused, ..., off."""
    domain = row.domain
    return (not domain.faulty, _ORDER[domain.state], domain.reason)


def name_cell(row: Row, paint: Paint, width: int) -> Cell:
    """The name."""
    return Cell(row.domain.name, "dim" if row.stale else "")


def host_cell(row: Row, paint: Paint, width: int) -> Cell:
    """The host's short name."""
    colour = row.host.colour
    return Cell(row.key.host, f"colour.{colour}" if colour else "dim", keeps_end=True)


def host_key(row: Row) -> str:
    """Hosts in natural order."""
    return natural_key(row.key.host)


SPARK_MIN = 5
"""Samples of the smallest sparkline."""
_NUMBER = 5
"""Cells of the CPU number: ``100.0`` never needs more, ``42.1`` fits."""


def cpu_cell(row: Row, paint: Paint, width: int) -> Cell:
    """CPU percent, with as long a sparkline as there is room for."""
    stats = row.live_stats
    if stats is None or stats.cpu is None:
        return _unknown(row, paint, pad=_NUMBER)
    percent = stats.cpu
    number = fit(f"{percent:.1f}" if percent < 99.95 else f"{percent:.0f}", _NUMBER, "right")
    samples = width - _NUMBER - 1
    if samples < SPARK_MIN or not paint.spark:
        return Cell(number, load_role(percent))
    line = spark_text(row.history.spark(samples), paint.glyphs.spark)
    return Cell(number, load_role(percent), f" {line:>{samples}}", "spark")


def load_role(percent: float) -> str:
    """Return the role of a utilisation in percent."""
    return "bad" if percent >= 90 else "warn" if percent >= 70 else ""


def spark_text(samples: tuple[float | None, ...], steps: str) -> str:
    """Draw percentages as a line of signs on a fixed scale; unknown is a blank."""
    top = len(steps) - 1
    return "".join(
        " " if value is None else steps[min(top, max(0, int(value * len(steps) / 100)))]
        for value in samples
    )


def cpu_key(row: Row) -> float | None:
    """CPU percent."""
    stats = row.live_stats
    return None if stats is None else stats.cpu


def memory_used(row: Row) -> int | None:
    """Bytes in use: the guest's word, else what the host holds; None when unknown."""
    stats = row.live_stats
    return None if stats is None else memory_value(stats)


def memory_max(row: Row) -> int | None:
    """Bytes that the VM has, or would have when started; None when unknown."""
    stats = row.live_stats
    if stats is not None and stats.memory_max is not None:
        return stats.memory_max
    return None if row.domain.facts is None else row.domain.facts.memory_max


def memory_cell(row: Row, paint: Paint, width: int) -> Cell:
    """Used and maximal memory; what does not run shows what it would get, dimmed."""
    used, maximum = memory_used(row), memory_max(row)
    unknown = paint.glyphs.unknown
    if not row.domain.state.active or row.stale:
        if maximum is None:
            return _unknown(row, paint)
        return Cell(bytes_text(maximum, unknown), "dim")
    if used is None and maximum is None:
        return Cell(unknown, "dim")
    role = ""
    if used is not None and maximum and row.stats is not None:
        # What the host holds says nothing about the pressure inside the guest.
        role = load_role(100 * used / maximum) if row.stats.memory_used is not None else "dim"
    return Cell(pair_text(used, maximum, unknown), role)


def memory_key(row: Row) -> int | None:
    """Bytes in use."""
    return memory_used(row)


def _sum(first: float | None, second: float | None) -> float | None:
    if first is None:
        return second
    return first if second is None else first + second


def disk_rate(stats: Stats | None) -> float | None:
    """Bytes a second read and written together."""
    return None if stats is None else _sum(stats.disk_read, stats.disk_write)


def net_rate(stats: Stats | None) -> float | None:
    """Bytes a second received and sent together."""
    return None if stats is None else _sum(stats.net_rx, stats.net_tx)


def disk_cell(row: Row, paint: Paint, width: int) -> Cell:
    """Bytes a second on all disks."""
    return _rate_cell(row, paint, disk_rate(row.live_stats))


def disk_key(row: Row) -> float | None:
    """Bytes a second on all disks."""
    return disk_rate(row.live_stats)


def net_cell(row: Row, paint: Paint, width: int) -> Cell:
    """Bytes a second on all network cards."""
    return _rate_cell(row, paint, net_rate(row.live_stats))


def net_key(row: Row) -> float | None:
    """Bytes a second on all network cards."""
    return net_rate(row.live_stats)


def _rate_cell(row: Row, paint: Paint, rate: float | None) -> Cell:
    if rate is None:
        return _unknown(row, paint)
    return Cell(rate_text(rate), "dim" if rate < 1 else "")


def ip_cell(row: Row, paint: Paint, width: int) -> Cell:
    """The best address, and how many more there are."""
    addresses = usable(row.domain.addresses)
    if not addresses:
        return _unknown(row, paint)
    more = f" +{len(addresses) - 1}" if len(addresses) > 1 else ""
    return Cell(addresses[0].ip, "dim" if row.stale else "", more, "dim")


def ip_key(row: Row) -> str | None:
    """Addresses in natural order."""
    best = preferred(row.domain.addresses)
    return None if best is None else natural_key(best.ip)


def uptime(row: Row, now: float) -> float | None:
    """Seconds since it was started, or since it was first seen running."""
    started = row.domain.started_at
    if started is None or not row.domain.state.active:
        return None
    return max(0.0, now - started)


def uptime_cell(row: Row, paint: Paint, width: int) -> Cell:
    """How long it has been up; at least that long where only its being up was seen."""
    seconds = uptime(row, paint.now)
    if seconds is None or row.stale:
        return _unknown(row, paint)
    prefix = "" if row.domain.started_exact else paint.glyphs.at_least
    return Cell(prefix + uptime_text(seconds))


def uptime_key(row: Row) -> float | None:
    """Seconds up; negated start, so that the order does not depend on the time of asking."""
    started = row.domain.started_at
    return None if started is None or not row.domain.state.active else -started


def vcpu_cell(row: Row, paint: Paint, width: int) -> Cell:
    """Virtual CPUs."""
    count = vcpu_key(row)
    return Cell(paint.glyphs.unknown, "dim") if count is None else Cell(str(count))


def vcpu_key(row: Row) -> int | None:
    """Virtual CPUs."""
    return None if row.domain.facts is None else row.domain.facts.vcpus


def autostart_cell(row: Row, paint: Paint, width: int) -> Cell:
    """Whether it starts with its host."""
    value = row.domain.autostart
    if value is None:
        return Cell(paint.glyphs.unknown, "dim")
    return Cell("on" if value else "", "")


def autostart_key(row: Row) -> bool | None:
    """Those that start with their host first."""
    return None if row.domain.autostart is None else not row.domain.autostart


def title(row: Row) -> str:
    """The title from the XML, or empty."""
    return "" if row.domain.facts is None else row.domain.facts.title


def title_cell(row: Row, paint: Paint, width: int) -> Cell:
    """The title from the XML."""
    return Cell(title(row), "dim")


def title_key(row: Row) -> str | None:
    """Titles in natural order; rows without one last."""
    text = title(row)
    return natural_key(text) if text else None


def tags_text(row: Row) -> str:
    """The VM's own tags: ``db, web``; its host's are told by the host."""
    facts = row.domain.facts
    return "" if facts is None else ", ".join(facts.tags)


def tags_cell(row: Row, paint: Paint, width: int) -> Cell:
    """The VM's own tags."""
    return Cell(tags_text(row), "dim" if row.stale else "")


def tags_key(row: Row) -> str | None:
    """Tags in natural order; rows without one last."""
    text = tags_text(row)
    return natural_key(text) if text else None


def _unknown(row: Row, paint: Paint, pad: int = 0) -> Cell:
    """A dash where a running VM's value is not known; nothing where there is no value."""
    if not row.domain.state.active:
        return Cell("")
    return Cell(fit(paint.glyphs.unknown, pad, "right") if pad else paint.glyphs.unknown, "dim")
