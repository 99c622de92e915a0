"""The console's transport: which state follows which, and what is done on which thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import libvirt
import pytest

from tuivm.backend import console as console_module
from tuivm.backend import errors, loop, xml_console
from tuivm.backend.console import Console
from tuivm.backend.console_stream import PIECE, ConsoleStream, End
from tuivm.backend.xml_console import find_port
from tuivm.core.api import ConsoleState
from tuivm.core.consoleports import ConsolePort
from tuivm.core.model import Domain, DomainKey, State

UUID = "6695eb01-f6a4-8304-79aa-97f2502e193f"
PTY = "<domain><devices><console type='pty'><alias name='serial0'/></console></devices></domain>"
S = ConsoleState


class Refused(libvirt.libvirtError):  # type: ignore[misc]
    """libvirt's exception with a code of the test's choice."""

    def __init__(self, code: int, text: str = "refused", domain: int = 10) -> None:
        Exception.__init__(self, text)
        self.err = (code, domain, text, 2, "", "", "", -1, -1)


class FakeStream:
    """A non-blocking stream: the test fills ``incoming``."""

    def __init__(self) -> None:
        self.incoming: list[bytes | Exception] = []
        self.sent = bytearray()
        self.full = False
        self.mask = 0
        self.aborted = False
        self.callback: Callable[..., Any] | None = None

    def eventAddCallback(self, mask: int, callback: Callable[..., Any], opaque: object) -> None:
        self.mask, self.callback = mask, callback

    def eventUpdateCallback(self, mask: int) -> None:
        self.mask = mask

    def eventRemoveCallback(self) -> None:
        self.callback = None

    def recv(self, size: int) -> bytes | int:
        if not self.incoming:
            return -2
        item = self.incoming.pop(0)
        if isinstance(item, Exception):
            raise item
        return item

    def send(self, data: bytes) -> int:
        if self.full:
            return -2
        self.sent += data[:40]
        return min(len(data), 40)

    def abort(self) -> None:
        self.aborted = True
        raise Refused(38)

    def readable(self, *items: bytes | Exception) -> None:
        self.incoming += items
        if self.callback is not None and self.mask & libvirt.VIR_STREAM_EVENT_READABLE:
            self.callback(self, libvirt.VIR_STREAM_EVENT_READABLE, None)


class FakeDomain:
    """A domain that can be started, opened and taken away."""

    def __init__(self) -> None:
        self.id = 1
        self.xml = PTY
        self.failures: list[Exception] = []
        self.log: list[str] = []

    def isActive(self) -> int:
        return int(self.id > 0)

    def ID(self) -> int:
        return self.id

    def XMLDesc(self, flags: int) -> str:
        return self.xml

    def openConsole(self, alias: str | None, stream: FakeStream, flags: int) -> None:
        self.log.append(f"open {alias} {flags}")
        if self.failures:
            raise self.failures.pop(0)

    def createWithFlags(self, flags: int) -> None:
        assert flags == libvirt.VIR_DOMAIN_START_PAUSED
        self.log.append("start paused")
        self.id = 7

    def resume(self) -> None:
        self.log.append("resume")


class FakeHost:
    """A host whose lane is one thread, and whose connection is itself."""

    def __init__(self) -> None:
        self.domain = FakeDomain()
        self.streams: list[FakeStream] = []
        self.pool = ThreadPoolExecutor(1)
        self.watcher: Callable[[Domain | None], None] | None = None
        self.closed: Callable[..., Any] | None = None

    def submit(self, fn: Callable[[Any], Any], **_options: Any) -> Future[Any]:
        def call() -> Any:
            try:
                return fn(self)
            except libvirt.libvirtError as error:
                raise errors.convert(error, title="Cannot open the console") from None

        return self.pool.submit(call)

    def watch(self, uuid: str, callback: Callable[[Domain | None], None]) -> Callable[[], None]:
        self.watcher = callback
        return lambda: setattr(self, "watcher", None)

    def row(self, state: State, number: int | None) -> None:
        assert self.watcher is not None
        self.watcher(Domain(DomainKey("h", UUID), "web", state, id=number))

    def lookupByUUIDString(self, uuid: str) -> FakeDomain:
        return self.domain

    def registerCloseCallback(self, callback: Callable[..., Any], opaque: object) -> None:
        self.closed = callback

    def unregisterCloseCallback(self) -> None:
        self.closed = None

    def newStream(self, flags: int) -> FakeStream:
        assert flags == libvirt.VIR_STREAM_NONBLOCK
        self.streams.append(FakeStream())
        return self.streams[-1]


class Sink:
    """Writes down what it hears, in order."""

    def __init__(self) -> None:
        self.heard: list[object] = []
        self.detail = ""

    def console_bytes(self, data: bytes) -> None:
        self.heard.append(data)

    def console_state(self, state: ConsoleState, detail: str) -> None:
        self.heard.append(state)
        self.detail = detail

    @property
    def states(self) -> list[object]:
        return [item for item in self.heard if isinstance(item, ConsoleState)]


def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.002)


@pytest.fixture
def host() -> FakeHost:
    loop.start()
    return FakeHost()


def attach(host: FakeHost, **options: Any) -> tuple[Console, Sink]:
    sink = Sink()
    return Console(host, DomainKey("h", UUID), sink, **options), sink


def attached(host: FakeHost, **options: Any) -> tuple[Console, Sink, FakeStream]:
    console, sink = attach(host, **options)
    until(lambda: console.state is S.ATTACHED and host.streams[-1].callback is not None)
    return console, sink, host.streams[-1]


def test_it_attaches_and_bytes_come_after_the_state(host: FakeHost) -> None:
    console, sink, stream = attached(host)
    stream.readable(b"log", b"in: ")
    assert sink.heard == [S.ATTACHING, S.ATTACHED, b"login: "]
    console.close()
    console.close()
    console.wait_closed(5)
    assert sink.states == [S.ATTACHING, S.ATTACHED, S.CLOSED]
    assert stream.aborted
    assert stream.callback is None
    assert host.watcher is None


def test_after_a_read_the_stream_rests_and_is_drained_in_one_go(host: FakeHost) -> None:
    _console, sink, stream = attached(host)
    stream.readable(b"a")
    assert not stream.mask & libvirt.VIR_STREAM_EVENT_READABLE
    stream.incoming += [b"b", b"c", b"d"]
    until(lambda: sink.heard[-1] == b"bcd")
    until(lambda: bool(stream.mask & libvirt.VIR_STREAM_EVENT_READABLE))


def test_input_goes_out_in_small_pieces_and_complete(host: FakeHost) -> None:
    console, _sink, stream = attached(host)
    text = bytes(n % 251 for n in range(10 * PIECE))
    console.write(text)
    until(lambda: bytes(stream.sent) == text)
    assert console.pending == 0
    assert not stream.mask & libvirt.VIR_STREAM_EVENT_WRITABLE


def test_it_asks_to_write_only_while_input_waits(host: FakeHost) -> None:
    console, _sink, stream = attached(host)
    stream.full = True
    console.write(b"x")
    until(lambda: bool(stream.mask & libvirt.VIR_STREAM_EVENT_WRITABLE))
    stream.full = False
    assert stream.callback is not None
    stream.callback(stream, libvirt.VIR_STREAM_EVENT_WRITABLE, None)
    assert bytes(stream.sent) == b"x"
    assert not stream.mask & libvirt.VIR_STREAM_EVENT_WRITABLE
    console.write(b"y")
    until(lambda: bytes(stream.sent) == b"xy")


def test_boot_starts_paused_attaches_then_runs(host: FakeHost) -> None:
    host.domain.id = -1
    attached(host, boot=True)
    assert host.domain.log == ["start paused", "open serial0 0", "resume"]


def test_boot_runs_the_machine_even_when_there_is_no_console(host: FakeHost) -> None:
    host.domain.id = -1
    host.domain.xml = "<domain><devices/></domain>"
    console, _sink = attach(host, boot=True)
    until(lambda: console.state is S.NO_DEVICE)
    assert host.domain.log == ["start paused", "resume"]


def test_boot_of_a_running_machine_only_attaches(host: FakeHost) -> None:
    attached(host, boot=True)
    assert host.domain.log == ["open serial0 0"]


def test_busy_for_good_is_told_and_can_be_taken_over(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console_module, "BUSY_PAUSE", 0.001)
    host.domain.failures = [Refused(9, "Active console session exists")] * 3
    console, _sink = attach(host)
    until(lambda: console.state is S.BUSY)
    console.attach(force=True)
    until(lambda: console.state is S.ATTACHED)
    assert host.domain.log[-1] == "open serial0 1"


def test_busy_for_a_moment_is_waited_out(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console_module, "BUSY_PAUSE", 0.001)
    host.domain.failures = [Refused(9, "Active console session exists")]
    _console, sink, _stream = attached(host)
    assert S.BUSY not in sink.states


def test_taken_over_by_somebody_else(host: FakeHost) -> None:
    console, sink, stream = attached(host)
    stream.readable(b"last", Refused(38, "stream had I/O failure"))
    until(lambda: console.state is S.STOLEN)
    assert sink.heard[-2:] == [b"last", S.STOLEN]
    assert stream.aborted
    console.attach(force=True)
    until(lambda: console.state is S.ATTACHED)


def test_a_power_cycle_ends_and_attaches_again(host: FakeHost) -> None:
    console, sink, stream = attached(host)
    host.domain.id = -1
    stream.readable(b"bye", b"")
    until(lambda: console.state is S.ENDED)
    assert stream.aborted
    host.domain.id = 2
    host.row(State.RUNNING, 2)
    until(lambda: console.state is S.ATTACHED)
    assert sink.heard[2:] == [b"bye", S.ENDED, S.ATTACHING, S.ATTACHED]
    assert len(host.streams) == 2


def test_a_power_cycle_too_quick_to_be_seen(host: FakeHost) -> None:
    console, sink, stream = attached(host)
    host.domain.id = 2
    stream.readable(b"")
    until(lambda: sink.states[-1] is S.ATTACHED and len(host.streams) == 2)
    assert console.state is S.ATTACHED
    assert S.STOLEN not in sink.states


def test_off_then_started(host: FakeHost) -> None:
    host.domain.id = -1
    console, _sink = attach(host)
    until(lambda: console.state is S.ENDED)
    host.row(State.OFF, None)
    assert console.state is S.ENDED
    host.domain.id = 3
    host.row(State.RUNNING, 3)
    until(lambda: console.state is S.ATTACHED)


def test_a_lost_connection_is_told_and_mended(host: FakeHost) -> None:
    """libvirt does not tell a stream that its connection is gone."""
    console, sink, stream = attached(host)
    gone = Refused(38, "Cannot recv data: Connection reset by peer", domain=7)
    host.domain.failures = [gone]
    assert host.closed is not None
    host.closed(host, libvirt.VIR_CONNECT_CLOSE_REASON_EOF, None)
    until(lambda: sink.states[-3:] == [S.FAILED, S.ATTACHING, S.FAILED])
    assert "connection" in sink.detail
    until(lambda: stream.aborted)
    host.row(State.RUNNING, 1)
    until(lambda: console.state is S.ATTACHED)
    console.close()
    console.wait_closed(5)
    assert host.closed is None


def test_a_connection_that_breaks_alone_is_mended_at_once(host: FakeHost) -> None:
    _console, sink, _stream = attached(host)
    assert host.closed is not None
    host.closed(host, libvirt.VIR_CONNECT_CLOSE_REASON_KEEPALIVE, None)
    until(lambda: sink.states[-1] is S.ATTACHED and len(host.streams) == 2)
    assert S.FAILED in sink.states


def test_a_refusal_is_told_in_a_users_terms(host: FakeHost) -> None:
    host.domain.failures = [Refused(3, "not supported by the connection driver")]
    console, sink = attach(host)
    until(lambda: console.state is S.FAILED)
    assert sink.detail.startswith("Cannot open the console")


def test_left_while_it_attaches(host: FakeHost) -> None:
    console, sink = attach(host)
    console.close()
    host.pool.shutdown(wait=True)
    console.wait_closed(5)
    assert sink.states[-1] is S.CLOSED
    assert all(stream.callback is None for stream in host.streams)
    console.write(b"x")
    console.attach()
    assert console.state is S.CLOSED


def test_a_sink_that_fails_does_not_stop_the_console(host: FakeHost) -> None:
    class Broken(Sink):
        def console_state(self, state: ConsoleState, detail: str) -> None:
            raise ValueError

    console = Console(host, DomainKey("h", UUID), Broken())
    until(lambda: console.state is S.ATTACHED)
    console.close()


def test_the_stream_ends_once(host: FakeHost) -> None:
    ends: list[End] = []
    stream = FakeStream()
    moved = ConsoleStream(
        FakeHost(), stream, lambda data: None, lambda _stream, end: ends.append(end)
    )
    moved.start()
    stream.readable(b"")
    stream.readable(Refused(38))
    assert ends == [End.EOF]
    moved.write(b"nobody")
    moved.close()
    moved.close()
    assert not stream.sent


def ports(*devices: str) -> str:
    return f"<domain><devices>{''.join(devices)}</devices></domain>"


@pytest.mark.parametrize(
    ("xml", "alias", "kind", "where"),
    [
        (PTY, "serial0", "pty", "pseudo terminal"),
        (ports("<serial type='pty'/>"), "", "pty", "pseudo"),
        (
            ports("<serial type='file'><source path='/x\x7f'/><alias name='s'/></serial>"),
            "s",
            "file",
            "s writes to the file /x\ufffd",
        ),
        (
            ports("<serial type='tcp'><source mode='bind' host='::1' service='4444'/></serial>"),
            "",
            "tcp",
            "serial listens on TCP ::1:4444",
        ),
        (
            ports("<serial type='unix'><source mode='connect' path='/s'/></serial>"),
            "",
            "unix",
            "connects to the socket /s",
        ),
        (
            ports(
                "<serial type='file'><source path='/x'/></serial>",
                "<console type='pty'><alias name='console1'/></console>",
            ),
            "console1",
            "pty",
            "pseudo",
        ),
    ],
)
def test_the_console_that_can_be_opened_is_chosen(
    xml: str, alias: str, kind: str, where: str
) -> None:
    port = find_port(xml)
    assert port is not None
    assert (port.alias, port.kind) == (alias, kind)
    assert where in port.where


def test_a_named_console_is_that_one_or_none() -> None:
    xml = ports("<console type='pty'><alias name='serial0'/></console>")
    assert find_port(xml, "serial1") is None
    assert find_port("<domain/>") is None
    assert find_port(ports()) is None


def test_after_a_break_our_own_ghost_is_waited_for(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The far end may hold a session for half a minute after its connection is gone."""
    monkeypatch.setattr(console_module, "RETRY_MS", 5)
    monkeypatch.setattr(console_module, "BUSY_PAUSE", 0.001)
    console, sink, _stream = attached(host)
    console._retry_in = 5
    busy = [Refused(console_module.BUSY_CODE) for _ in range(2 * console_module.BUSY_TRIES)]
    host.domain.failures = list(busy)
    assert host.closed is not None
    host.closed(host, libvirt.VIR_CONNECT_CLOSE_REASON_KEEPALIVE, None)
    until(lambda: S.BUSY in sink.states and sink.states[-1] is S.ATTACHED)
    assert sink.states.count(S.BUSY) == 2


def test_a_start_that_brings_the_device_is_noticed(host: FakeHost) -> None:
    host.domain.xml = "<domain><devices/></domain>"
    console, _sink = attach(host)
    until(lambda: console.state is S.NO_DEVICE)
    host.row(State.RUNNING, 1)
    host.domain.xml, host.domain.id = PTY, 2
    host.row(State.RUNNING, 2)
    until(lambda: console.state is S.ATTACHED)


def test_the_ports_of_a_domain() -> None:
    xml = """<domain><devices>
      <console type='pty'><target type='serial' port='0'/><alias name='serial0'/></console>
      <console type='pty'><target type='virtio' port='1'/><alias name='console1'/></console>
      <serial type='pty'><target port='0'/><alias name='serial0'/></serial>
      <serial type='file'><source path='/x'/><alias name='serial1'/></serial>
      <channel type='unix'><target name='org.qemu.guest_agent.0'/><alias name='channel0'/></channel>
      <channel type='pty'><target type='virtio' name='own.0'/><alias name='channel1'/></channel>
    </devices></domain>"""
    assert xml_console.ports(xml) == (
        ConsolePort("serial0", "serial port", True, first=True),
        ConsolePort("console1", "virtio console", True),
        ConsolePort("serial1", "serial1 writes to the file /x", False),
        ConsolePort("channel1", "channel own.0", True),
    )
    named = find_port(xml, "channel1")
    assert named is not None
    assert named.pty
    assert xml_console.ports("<domain/>") == ()
