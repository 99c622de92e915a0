"""``tuivm console``: finds the VM, and lets the bare terminal become its serial console."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from tuivm.core.api import ConsoleChannel, ConsoleSink
from tuivm.core.bareterminal import Connect, Passthrough
from tuivm.core.errors import TuivmError
from tuivm.core.rawconsole import leave_key

CLOSE = 0.5
"""Seconds that the console gets to be released before the process ends."""
DEMO_START = 3.0
"""Seconds in which the embedded fleet is listed for sure."""


def run(
    uris: Sequence[str],
    domain: str,
    *,
    force: bool = False,
    demo: bool = False,
    leave: Iterable[str] = (),
) -> int:
    """The command; returns the exit code. Raises ``TuivmError`` when there is no console.

    ``leave`` are the keys that leave, as ``core.keys`` names them: the first that is a
    control character counts, else ctrl+].

    0: left, or the machine stopped. 1: it cannot be attached, was taken over, or broke.
    128 + n: ended by a signal. Standard input may end before: output goes on.
    """
    if demo and not uris:
        name, connect, close = _demo(domain, force=force)
    else:
        name, connect, close = _real(uris, domain, force=force)
    byte, label = leave_key(leave)
    ended = Passthrough(name, leave=byte, label=label).run(connect)
    closing = threading.Thread(target=close, daemon=True)
    closing.start()
    closing.join(CLOSE)
    if ended.text and ended.code:
        raise TuivmError("No console", ended.text)
    if ended.text:
        print(f"tuivm: {ended.text}", file=sys.stderr)
    return ended.code


def _real(
    uris: Sequence[str], domain: str, *, force: bool
) -> tuple[str, Connect, Callable[[], None]]:
    from tuivm.backend.console import Console
    from tuivm.backend.lookup import locate
    from tuivm.core.model import DomainKey

    link, found = locate(uris, domain)
    consoles: list[Console] = []

    def connect(sink: ConsoleSink) -> ConsoleChannel:
        consoles.append(Console(link, DomainKey(link.uri, found.uuid), sink, force=force))
        return consoles[0]

    def close() -> None:
        for console in consoles:
            console.wait_closed(CLOSE)
        link.close()

    return found.name, connect, close


def _demo(domain: str, *, force: bool) -> tuple[str, Connect, Callable[[], None]]:
    """A console of the embedded fleet, which exists as long as its connection does."""
    from tuivm.backend.fleet import Fleet
    from tuivm.backend.lookup import unknown

    fleet = Fleet([], demo=True)

    def close() -> None:
        fleet.stop(CLOSE)

    news = threading.Event()
    fleet.start(news.set)
    names: list[str] = []
    end = time.monotonic() + DEMO_START
    while time.monotonic() < end:
        news.wait(0.05)
        news.clear()
        for key, row in fleet.drain().domains.items():
            if row is not None and domain in (row.name, row.key.uuid):
                return row.name, partial(fleet.console, key, force=force), close
            names += [row.name] if row is not None else []
    raise unknown(domain, names, ["the embedded fleet"])
