"""Log in and run: what a guest may do on its serial line, and what is told then."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.backend.login_guest import Manners, ScriptedGuest
from tuivm.backend.child import Child
from tuivm.backend.demo_fleet import MACHINES
from tuivm.backend.demo_shell import Shell
from tuivm.backend.login_dialogue import MAX_OUTPUT, Patience
from tuivm.backend.login_run import ConsoleRun
from tuivm.backend.login_signs import Wrapped
from tuivm.core.api import ConsoleSink, ConsoleState, Login
from tuivm.core.model import DomainKey
from tuivm.core.runs import RunResult, RunStep

KEY = DomainKey("kv1", "00000000-0000-4000-8000-000000000001")
SECRET = "lab"
QUICK = Patience(
    attach=30, rest=0.05, wake=60, silent=30, login=30, echo_off=0.02, shell=30, odd=0.4, leave=3
)
"""Short pauses; what is not to come in vain may take long on a busy machine."""
HASTY = replace(QUICK, silent=1, login=2, shell=2, leave=1)
"""For guests from which something never comes."""
ENDED = 120.0
"""Seconds until a run must have come to an end."""

COLOURS = "\x1b]0;root@web: ~\x07\x1b[?2004h\x1b[01;32mroot@web\x1b[0m:~\x1b[0m$ "


class Bench:
    """Runs commands on scripted guests."""

    def __init__(self) -> None:
        self.guest: ScriptedGuest | None = None
        self.steps: list[RunStep] = []

    def start(
        self, manners: Manners | None = None, patience: Patience = QUICK, **login: object
    ) -> ConsoleRun:
        def connect(sink: ConsoleSink) -> ScriptedGuest:
            self.guest = ScriptedGuest(sink, manners or Manners())
            return self.guest

        given = {"user": "root", "password": SECRET, "command": "echo hello", "seconds": 5.0}
        wanted = Login(**(given | login))  # type: ignore[arg-type]
        return ConsoleRun(connect, KEY, wanted, self.steps.append, patience=patience)

    def run(self, manners: Manners | None = None, **login: object) -> RunResult:
        return self.start(manners, QUICK, **login).result.result(ENDED)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def told(result: RunResult) -> str:
    assert result.error is not None
    return str(result.error)


def test_it_logs_in_runs_and_logs_out(bench: Bench) -> None:
    result = bench.run(command="echo one; echo two >&2; exit 3")
    assert (result.step, result.code, result.output) == (RunStep.DONE, 3, "one\ntwo\n")
    assert result.error is None
    assert result.note == ""
    assert bench.guest is not None
    assert bench.guest.closed
    assert bench.guest.phase == "login"
    assert bench.steps == [
        RunStep.ATTACHING,
        RunStep.WAKING,
        RunStep.LOGGING_IN,
        RunStep.RUNNING,
        RunStep.LEAVING,
    ]


@pytest.mark.parametrize(
    "manners",
    [
        pytest.param(Manners(noise=True), id="noise"),
        pytest.param(Manners(echo=False), id="no echo"),
        pytest.param(Manners(password=None), id="no password"),
        pytest.param(Manners(prompt=COLOURS), id="colours"),
        pytest.param(Manners(prompt="web > "), id="another prompt"),
        pytest.param(Manners(prompt="(initramfs) "), id="a prompt like no other"),
        pytest.param(Manners(asks_place=True), id="asks for the cursor"),
        pytest.param(Manners(ask="Passwort: "), id="German"),
        pytest.param(Manners(ask="パスワード: "), id="Japanese"),
        pytest.param(Manners(boot=1.5), id="boots"),
        pytest.param(Manners(first="password"), id="left at the password"),
        pytest.param(Manners(welcome=""), id="no welcome"),
    ],
)
def test_whatever_a_guest_is_like(bench: Bench, manners: Manners) -> None:
    result = bench.run(manners, command="uname -s; false")
    assert (result.step, result.error) == (RunStep.DONE, None)
    assert (result.code, result.output) == (1, "Linux\n")
    assert bench.guest is not None
    assert bench.guest.phase == "login"


def test_a_shell_that_was_open_is_used_and_left_open(bench: Bench) -> None:
    result = bench.run(Manners(first="shell"))
    assert (result.code, result.output) == (0, "hello\n")
    assert "shell that was open" in result.note
    assert bench.guest is not None
    assert bench.guest.phase == "shell"
    assert SECRET.encode() not in bench.guest.typed


@pytest.mark.parametrize("wrong", ["\r\nLogin incorrect\r\n", "\r\nnein!\r\n"])
def test_a_wrong_password_is_said_and_the_line_is_clean(bench: Bench, wrong: str) -> None:
    result = bench.run(Manners(wrong=wrong), password="wrong")
    assert result.step is RunStep.FAILED
    assert "wrong user or password" in told(result)
    assert result.note == ""
    assert bench.guest is not None
    assert bench.guest.phase == "login"
    assert bench.guest.typed.count(b"wrong") == 1


def test_an_expired_password_is_told_apart(bench: Bench) -> None:
    result = bench.run(Manners(expired=True))
    assert "has to be changed first" in told(result)
    assert bench.guest is not None
    assert bench.guest.phase == "login"


def test_silence_names_what_the_guest_lacks(bench: Bench) -> None:
    result = bench.start(Manners(deaf=True), HASTY).result.result(ENDED)
    assert "nothing came" in told(result)
    assert "console=ttyS0" in told(result)
    assert "serial-getty@ttyS0" in told(result)
    assert bench.guest is not None
    assert set(bench.guest.typed) == set(b"\r")


def test_one_that_never_asks_is_told_apart_from_silence(bench: Bench) -> None:
    run = bench.start(Manners(boot=30), replace(QUICK, wake=2))
    result = run.result.result(ENDED)
    assert "asks for no user" in told(result)
    assert "all is well" in told(result)


def test_what_answers_but_runs_nothing(bench: Bench) -> None:
    manners = Manners(first="shell", prompt=">>> ", shell=lambda line: "SyntaxError\r\n")
    result = bench.start(manners, HASTY).result.result(ENDED)
    assert "runs no commands" in told(result)
    assert bench.guest is not None
    assert bench.guest.typed.endswith(b"\x03")


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (ConsoleState.BUSY, "take the console over"),
        (ConsoleState.ENDED, "start it"),
        (ConsoleState.NO_DEVICE, "<console type='pty'/>"),
        (ConsoleState.NOT_A_PTY, "only a pty"),
        (ConsoleState.FAILED, "broken"),
    ],
)
def test_no_console_no_login(state: ConsoleState, says: str) -> None:
    class Refusing(ScriptedGuest):
        def _run(self) -> None:
            self.become(state, "broken")

    login = Login("root", SECRET, "true")
    run = ConsoleRun(
        lambda sink: Refusing(sink, Manners()), KEY, login, lambda step: None, patience=QUICK
    )
    result = run.result.result(ENDED)
    assert result.step is RunStep.FAILED
    assert says in told(result)


def test_a_console_that_never_opens(bench: Bench) -> None:
    class Stuck(ScriptedGuest):
        def _run(self) -> None: ...

    guests: list[Stuck] = []

    def connect(sink: ConsoleSink) -> Stuck:
        guests.append(Stuck(sink, Manners()))
        return guests[0]

    login = Login("root", SECRET, "true")
    patience = replace(QUICK, attach=0.2)
    run = ConsoleRun(connect, KEY, login, lambda step: None, patience=patience)
    assert "took too long" in told(run.result.result(ENDED))
    assert guests[0].closed


def test_a_guest_that_stops_meanwhile(bench: Bench) -> None:
    run = bench.start(command="sleep 60", seconds=60.0)
    until(lambda: RunStep.RUNNING in bench.steps)
    assert bench.guest is not None
    bench.guest.become(ConsoleState.ENDED)
    assert "does not run" in told(run.result.result(ENDED))


def test_a_command_that_takes_too_long_is_interrupted(bench: Bench) -> None:
    lines: list[str] = []

    def shell(line: str) -> str:
        lines.append(line)
        return begun(line) + "half of it\r\n"

    manners = Manners(shell=shell, prompt="# ")
    result = bench.run(manners, seconds=0.3)
    assert "had not ended after" in told(result)
    assert result.code is None
    assert "half of it" in result.output
    assert bench.guest is not None
    assert b"\x03" in bench.guest.typed
    assert bench.guest.phase == "login"


def test_cancelled_it_leaves_the_line_clean(bench: Bench) -> None:
    manners = Manners(shell=begun, prompt="# ")
    run = bench.start(manners, seconds=60.0)
    until(lambda: RunStep.RUNNING in bench.steps)
    began = time.monotonic()
    run.cancel()
    result = run.result.result(ENDED)
    assert (result.step, result.error) == (RunStep.CANCELLED, None)
    assert time.monotonic() - began < 30
    assert bench.guest is not None
    assert bench.guest.phase == "login"
    assert bench.guest.closed


def test_cancelled_at_the_password_it_withdraws(bench: Bench) -> None:
    run = bench.start(patience=replace(QUICK, echo_off=60.0))
    until(lambda: RunStep.LOGGING_IN in bench.steps)
    time.sleep(0.1)
    run.cancel()
    assert run.result.result(ENDED).step is RunStep.CANCELLED
    assert bench.guest is not None
    assert bench.guest.phase == "login"
    assert SECRET.encode() not in bench.guest.typed


def test_output_is_bounded_and_says_what_is_missing(bench: Bench) -> None:
    result = bench.run(command="yes 0123456789 | head -c 1500000", seconds=30.0)
    assert result.code == 0
    assert len(result.output) == MAX_OUTPUT
    assert result.lost > 400_000


def test_output_is_text_and_nothing_else(bench: Bench) -> None:
    command = r"printf 'a\033[31mred\033[0m\033]52;c;eHh4\007b\r\n\200\202\t\1c\nlast'"
    result = bench.run(command=command)
    assert result.output.splitlines()[0] == "aredb"
    assert result.output.endswith("last")
    assert "\x1b" not in result.output
    assert "eHh4" not in result.output


def test_quotes_dollars_and_exclamation_marks_arrive(bench: Bench) -> None:
    command = """echo 'a  b' "c'd" $((1+1)) \\! "!x" `echo e` | sed 's/$/ %s \\\\n/'"""
    result = bench.run(command=command)
    assert result.output == "a  b c'd 2 ! !x e %s \\n\n"


@pytest.mark.parametrize("shell", ["sh -i", "bash -i", "bash --posix -i", "busybox ash -i"])
def test_real_shells(shell: str) -> None:
    words = shell.split()
    if shutil.which(words[0]) is None:
        pytest.skip(f"no {words[0]} here")

    def connect(sink: ConsoleSink) -> Child:
        return Child(words, Paced(sink), columns=80, lines=24)

    login = Login("root", SECRET, "echo $0; seq 1 5; cat; tty; false", seconds=10.0)
    run = ConsoleRun(connect, KEY, login, lambda step: None, patience=QUICK)
    result = run.result.result(ENDED)
    assert result.error is None
    lines = result.output.splitlines()
    assert lines[1:] == ["1", "2", "3", "4", "5", "not a tty"]
    assert result.code == 1


def test_a_flood_ends_when_its_time_is_up() -> None:
    def connect(sink: ConsoleSink) -> Child:
        return Child(["/bin/sh", "-i"], Paced(sink), columns=80, lines=24)

    login = Login("root", SECRET, "yes", seconds=1.0)
    began = time.monotonic()
    run = ConsoleRun(connect, KEY, login, lambda step: None, patience=QUICK)
    result = run.result.result(ENDED)
    assert "had not ended after" in told(result)
    assert result.output.startswith("y\ny\n")
    assert len(result.output) <= MAX_OUTPUT
    assert time.monotonic() - began < 60


def test_through_a_console_that_is_open_here(bench: Bench) -> None:
    """Bytes come by a tap, and what is typed goes past those who listen to typing."""

    class Session:
        def __init__(self) -> None:
            self.taps: list[Callable[[bytes], None]] = []
            self.channel = ScriptedGuest(self, Manners())

        def console_bytes(self, data: bytes) -> None:
            for tap in self.taps:
                tap(data)

        def console_state(self, state: ConsoleState, detail: str) -> None: ...

        def add_tap(self, tap: Callable[[bytes], None]) -> Callable[[], None]:
            self.taps.append(tap)
            return lambda: self.taps.remove(tap)

    session = Session()
    until(lambda: session.channel.state is ConsoleState.ATTACHED)
    login = Login("root", SECRET, "echo hi")

    def never(sink: ConsoleSink) -> ScriptedGuest:
        raise AssertionError("it is attached already")

    run = ConsoleRun(never, KEY, login, lambda step: None, line=session, patience=QUICK)
    assert run.result.result(ENDED).output == "hi\n"
    assert session.taps == []
    assert not session.channel.closed


def test_what_cannot_be_typed_is_refused(bench: Bench) -> None:
    assert "one line" in told(bench.run(command="a\nb"))
    assert "control characters" in told(bench.run(password="a\x03b"))
    assert "no user" in told(bench.run(user=" "))
    assert "into a script" in told(bench.run(command="x" * 4000))
    assert bench.guest is None


def test_the_password_shows_up_nowhere(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "s3cr3t-w0rd"
    login = Login("root", secret, "true")
    assert secret not in repr(login)
    results = [
        bench.run(Manners(password=secret, leak=True), password=secret),
        bench.run(Manners(password="x", leak=True, wrong="\r\nno\r\n"), password=secret),
        bench.run(Manners(password="x", leak=True, wrong=" "), password=secret),
        bench.run(Manners(password=secret, leak=True, prompt="...", welcome=""), password=secret),
    ]
    for result in results:
        assert secret not in repr(result)
        assert secret not in str(result.error)
    assert secret not in caplog.text


def test_a_defect_tells_nothing_of_the_guest(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    def report(step: RunStep) -> None:
        raise RuntimeError(SECRET * 3)

    login = Login("root", SECRET, "true")
    run = ConsoleRun(
        lambda sink: ScriptedGuest(sink, Manners()), KEY, login, report, patience=QUICK
    )
    assert "RuntimeError" in told(run.result.result(ENDED))
    assert "RuntimeError" in caplog.text
    assert SECRET * 3 not in caplog.text


def test_no_thread_stays(bench: Bench) -> None:
    bench.run()
    until(lambda: not any(thread.name == "tuivm-login" for thread in threading.enumerate()))


class Paced:
    """A sink that is never behind."""

    waiting = 0

    def __init__(self, sink: ConsoleSink) -> None:
        self.console_bytes = sink.console_bytes
        self.console_state = sink.console_state


def begun(line: str) -> str:
    """What a shell prints of a typed line whose command never ends."""
    a, b = line.split('"\\n%s-%s\\n" ')[1].split(";")[0].split()
    return f"\r\n{a}-{b}\r\n"


def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


def test_the_embedded_fleets_shell_plays_along() -> None:
    shell = Shell(MACHINES[0], "root", 0.0)
    for command, code, output in (
        ("hostname", 0, f"{shell.machine.hostname}\n"),
        ("nonsense", 127, "-sh: nonsense: not found (this is a demo: try help)\n"),
        ("true; false", 1, ""),
    ):
        wrapped = Wrapped(command)
        said, wish = shell.run(wrapped.typed.rstrip("\r"))
        begin = wrapped.begin.pattern.search(said)
        end = wrapped.end.search(said)
        assert begin is not None
        assert end is not None
        assert said[begin.end() : end.start()] == f"{output}\n"
        assert (int(end[1]), wish) == (code, "")
