"""The demo's serial consoles, with the manners of real ones: busy, stolen, ended, again."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, MutableMapping
from concurrent.futures import Future
from functools import partial
from typing import Any

import libvirt

from tuivm.backend.demo_guest import Guest
from tuivm.backend.extras import Owner
from tuivm.backend.power import run_verb
from tuivm.backend.xml_console import find_port
from tuivm.core.api import ConsoleSink, ConsoleState
from tuivm.core.model import Domain, State
from tuivm.core.text import sanitise

logger = logging.getLogger(__name__)


class DemoConsole:
    """``core.api.ConsoleChannel`` on a simulated guest; one daemon thread while it is open."""

    def __init__(
        self,
        host: Owner,
        uuid: str,
        guest: Guest,
        sink: ConsoleSink,
        taken: MutableMapping[str, DemoConsole],
        *,
        device: str = "",
    ) -> None:
        """``taken`` says who holds which domain's console; shared by all of one demo."""
        self._host = host
        self._uuid = uuid
        self._guest = guest
        self._sink = sink
        self._taken = taken
        self._device = device
        self._state = ConsoleState.CLOSED
        self._wake = threading.Condition(threading.RLock())
        self._input = bytearray()
        self._paused = False
        self._closed = False
        self._unwatch: Callable[[], None] = lambda: None

    @property
    def state(self) -> ConsoleState:
        """The last state told to the sink."""
        return self._state

    def open(self, *, force: bool = False, boot: bool = False) -> None:
        """Begin; once."""
        self._unwatch = self._host.watch(self._uuid, self._row)
        self.attach(force=force, boot=boot)
        name = f"tuivm-demo-console-{self._uuid[-4:]}"
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def write(self, data: bytes) -> None:
        """Queue input for the guest; dropped while not attached."""
        with self._wake:
            if self._state is ConsoleState.ATTACHED:
                self._input += data
                self._wake.notify_all()

    def attach(self, *, force: bool = False, boot: bool = False) -> None:
        """Try again; ``force`` takes a busy console over."""
        with self._wake:
            if self._closed or self._state in (ConsoleState.ATTACHING, ConsoleState.ATTACHED):
                return
            self._tell(ConsoleState.ATTACHING)
        look = partial(_look, uuid=self._uuid, device=self._device, boot=boot)
        future = self._host.submit(look, call="virDomainOpenConsole")
        future.add_done_callback(partial(self._looked, force=force))

    def close(self) -> None:
        """Leave; idempotent."""
        with self._wake:
            if self._closed:
                return
            self._closed = True
            self._release()
            self._tell(ConsoleState.CLOSED)
            self._wake.notify_all()
        self._unwatch()

    # The host's threads -------------------------------------------------------------------

    def _looked(self, done: Future[Any], *, force: bool) -> None:
        error = done.exception()
        with self._wake:
            if self._closed:
                return
            if error is not None:
                self._tell(ConsoleState.FAILED, sanitise(str(error)))
                return
            state, detail, paused, started = done.result()
            other = self._taken.get(self._uuid)
            if state is ConsoleState.ATTACHED and other is not None and not force:
                state = ConsoleState.BUSY
            if state is not ConsoleState.ATTACHED:
                self._tell(state, detail)
                return
            self._paused = paused
        if other is not None:
            other.stolen()
        with self._wake:
            self._taken[self._uuid] = self
            # What it printed while nobody listened is lost.
            self._guest.take()
            if not self._guest.on and not paused:
                self._guest.boot()
            self._tell(ConsoleState.ATTACHED)
            self._wake.notify_all()
        if started:
            self._host.submit(partial(_let_run, uuid=self._uuid), call="virDomainResume")

    def stolen(self) -> None:
        """Somebody else took the console over."""
        with self._wake:
            if self._taken.get(self._uuid) is self:
                del self._taken[self._uuid]
            self._tell(ConsoleState.STOLEN)

    def poke(self) -> None:
        """The guest has something to say that nobody typed."""
        with self._wake:
            if self._state is ConsoleState.ATTACHED:
                self._flush()
            self._wake.notify_all()

    def _row(self, domain: Domain | None) -> None:
        """The domain's row changed; on the keeper thread."""
        active = domain is not None and domain.state.active
        with self._wake:
            if self._closed:
                return
            self._paused = domain is not None and domain.state is not State.RUNNING
            if not active and self._state is ConsoleState.ATTACHED:
                self._guest.cut()
                self._flush()
                self._release()
                self._tell(ConsoleState.ENDED)
            elif not active:
                self._guest.cut()
            elif self._state is ConsoleState.ATTACHED and not (self._paused or self._guest.on):
                self._guest.boot()
            self._wake.notify_all()
            again = active and self._state is ConsoleState.ENDED
        if again:
            self.attach()

    # Its own thread ---------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            with self._wake:
                if self._closed:
                    return
                due = self._step()
                if not self._closed:
                    self._wake.wait(None if due is None else max(0.0, due - time.monotonic()))

    def _step(self) -> float | None:
        """Move bytes both ways; returns when the guest will say more."""
        if self._state is not ConsoleState.ATTACHED or self._paused:
            # A paused guest neither reads nor prints; what was typed waits.
            return None
        if self._input:
            data, self._input = bytes(self._input), bytearray()
            self._guest.feed(data)
        due = self._flush()
        wish, self._guest.wish = self._guest.wish, ""
        if wish == "poweroff":
            self._guest.go_down()
            self._flush()
            self._host.submit(partial(_shut_down, uuid=self._uuid), call="virDomainShutdown")
        elif wish == "reboot":
            self._guest.go_down(restart=True)
            return time.monotonic()
        return due

    def _flush(self) -> float | None:
        data, due = self._guest.take()
        if data:
            try:
                self._sink.console_bytes(data)
            except Exception:
                logger.exception("console sink failed")
        return due

    def _release(self) -> None:
        if self._taken.get(self._uuid) is self:
            del self._taken[self._uuid]

    def _tell(self, state: ConsoleState, detail: str = "") -> None:
        self._state = state
        self._input.clear()
        try:
            self._sink.console_state(state, detail)
        except Exception:
            logger.exception("console sink failed")


def _look(
    conn: libvirt.virConnect, *, uuid: str, device: str, boot: bool
) -> tuple[ConsoleState, str, bool, bool]:
    """What there is to attach to: state, explanation, whether paused, whether started by us."""
    domain = conn.lookupByUUIDString(uuid)
    port = find_port(domain.XMLDesc(0), _known(device))
    if port is None:
        return ConsoleState.NO_DEVICE, sanitise(device), False, False
    if not port.pty:
        return ConsoleState.NOT_A_PTY, port.where, False, False
    started = boot and not domain.isActive()
    if started:
        run_verb(conn, uuid, "start-paused", {})
    if not domain.isActive():
        return ConsoleState.ENDED, "", False, False
    paused = domain.state()[0] != libvirt.VIR_DOMAIN_RUNNING
    return ConsoleState.ATTACHED, "", paused, started


def _known(device: str) -> str:
    # The test driver gives its devices no aliases: what the list calls serial0 is the first.
    return "" if device in ("serial0", "console0") else device


def _let_run(conn: libvirt.virConnect, *, uuid: str) -> None:
    if conn.lookupByUUIDString(uuid).state()[0] == libvirt.VIR_DOMAIN_PAUSED:
        run_verb(conn, uuid, "resume", {})


def _shut_down(conn: libvirt.virConnect, *, uuid: str) -> None:
    run_verb(conn, uuid, "shutdown", {})
