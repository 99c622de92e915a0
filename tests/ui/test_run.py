"""Log in and run, from marking VMs to copying what came of it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import pytest

from tests.ui.fake import FakeBackend, domain, fleet
from tests.ui.screens import Ui, running
from tuivm.core.api import ConsoleLine, Login, LoginRun
from tuivm.core.errors import TuivmError
from tuivm.core.model import DomainKey, LogEntry
from tuivm.core.runs import RunResult, RunStep
from tuivm.screens.run import AT_ONCE, RunScreen
from tuivm.screens.textpage import TextPage
from tuivm.screens.vms import VmsScreen

SECRET = "s3cr3t-w0rd"
SIZES = [(80, 24), (120, 40), (200, 60)]


class Run:
    """One command, whose course the test decides."""

    def __init__(self, key: DomainKey, login: Login, report: Callable[[RunStep], None]) -> None:
        self.key = key
        self.login = login
        self.report = report
        self.result: Future[RunResult] = Future()
        self.result.set_running_or_notify_cancel()
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True
        if not self.result.done():
            self.result.set_result(RunResult(self.key, RunStep.CANCELLED))

    def done(self, code: int, output: str = "", **fields: object) -> None:
        self.result.set_result(
            RunResult(self.key, RunStep.DONE, code, output, seconds=1.2, **fields)  # type: ignore[arg-type]
        )

    def failed(self, title: str, why: str, hint: str) -> None:
        error = TuivmError(title, why, hint=hint)
        self.result.set_result(RunResult(self.key, RunStep.FAILED, seconds=3, error=error))


class Backend(FakeBackend):
    """The fake backend, with consoles that run commands."""

    def __init__(self) -> None:
        super().__init__(fleet())
        self.runs: list[Run] = []

    def log_in_and_run(
        self,
        key: DomainKey,
        login: Login,
        report: Callable[[RunStep], None],
        *,
        line: ConsoleLine | None = None,
    ) -> LoginRun:
        self.runs.append(Run(key, login, report))
        return self.runs[-1]


async def started(ui: Ui, backend: Backend, command: str = "uname -r", count: int = 2) -> None:
    """Mark both web servers and run a command on them."""
    await ui.sees("web-01")
    await ui.press("slash", *"web", "enter", "asterisk", "r")
    await ui.sees("Log in and run")
    await ui.type(SECRET)
    await ui.press("enter")
    await ui.type(command)
    await ui.press("enter")
    await ui.until(lambda: isinstance(ui.app.screen, RunScreen))
    await ui.until(lambda: len(backend.runs) == count)


def entries(ui: Ui) -> list[LogEntry]:
    return list(ui.app.context.store.log)


def holding(folder: Path, text: str) -> list[Path]:
    """The files below a folder that have a text in them."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return [path for path in files if text.encode() in path.read_bytes()]


@pytest.mark.parametrize("size", SIZES)
async def test_a_line_a_vm_as_it_goes_on(size: tuple[int, int]) -> None:
    backend = Backend()
    async with running(backend, size) as ui:
        await started(ui, backend, "uname -r; false")
        one, two = backend.runs
        assert one.login == Login("root", SECRET, "uname -r; false", force=False, seconds=60.0)
        one.report(RunStep.LOGGING_IN)
        await ui.sees("logging in")
        await ui.sees("0 of 2")
        one.done(1, "6.1.0-50-amd64\nmore\n")
        await ui.sees("6.1.0-50-amd64")
        await ui.sees("1 of 2")
        two.failed("Cannot log in", "wrong user or password", "check both")
        await ui.sees("2 of 2")
        await ui.sees("Cannot log in: wrong user")
        lines = ui.lines()
        assert len(lines) == size[1]
        assert any("exit code 1" in line and "web-01" in line for line in lines)
        texts = [entry.text for entry in entries(ui)]
        assert "web-01: exit code 1: uname -r; false" in texts
        assert "web-02: Cannot log in" in texts
        assert any("ran on consoles: 2 of 2" in text for text in texts)
        await ui.press("escape")
        await ui.until(lambda: isinstance(ui.app.screen, VmsScreen))


async def test_enter_shows_all_of_it_and_y_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = Backend()
    async with running(backend, (120, 40)) as ui:
        await started(ui, backend)
        output = "".join(f"line {n}\n" for n in range(200))
        backend.runs[0].done(0, output, lost=5000, note="used the shell that was open there")
        backend.runs[1].done(0)
        await ui.sees("2 of 2")
        await ui.sees("(no output)")
        copied: list[str] = []
        monkeypatch.setattr(ui.app, "copy_to_clipboard", copied.append)
        await ui.press("y")
        assert copied == [output]
        await ui.press("enter")
        await ui.until(lambda: isinstance(ui.app.screen, TextPage))
        await ui.sees("line 20")
        await ui.press("G")
        await ui.sees("4.9 KiB more came and were not kept")
        await ui.sees("(used the shell that was open there)")
        await ui.press("slash", *"line 77", "enter")
        await ui.sees("line 77")
        await ui.press("escape", "escape")
        await ui.until(lambda: isinstance(ui.app.screen, RunScreen))


async def test_w_writes_all_outputs_to_a_file(tmp_path: Path) -> None:
    backend = Backend()
    async with running(backend) as ui:
        await started(ui, backend)
        backend.runs[0].done(0, "one\n")
        backend.runs[1].failed("No answer", "silence", "look")
        await ui.sees("2 of 2")
        await ui.press("w")
        await ui.sees("plain text")
        path = tmp_path / "out.txt"
        await ui.press("ctrl+a", "ctrl+k")
        await ui.type(str(path))
        await ui.press("enter")
        await ui.until(path.exists)
        await ui.sees("saved")
        text = path.read_text()
        assert "=== web-01 on kv1: done" in text
        assert "one" in text
        assert "=== web-02 on kv1: failed" in text
        assert path.stat().st_mode & 0o077 == 0


async def test_x_breaks_off_one_and_capital_x_all() -> None:
    backend = Backend()
    async with running(backend) as ui:
        await started(ui, backend)
        await ui.press("x")
        await ui.sees("cancelled")
        assert [run.cancelled for run in backend.runs] == [True, False]
        await ui.press("X")
        await ui.sees("2 of 2")
        assert all(run.cancelled for run in backend.runs)
        await ui.press("x")
        await ui.sees("nothing runs there any more")


async def test_leaving_asks_while_something_runs() -> None:
    backend = Backend()
    async with running(backend) as ui:
        await started(ui, backend)
        await ui.press("escape")
        await ui.sees("Break off what still runs on 2 of 2?")
        await ui.press("n")
        assert isinstance(ui.app.screen, RunScreen)
        assert not backend.runs[0].cancelled
        await ui.press("q")
        await ui.sees("Break off")
        await ui.press("y")
        await ui.until(lambda: isinstance(ui.app.screen, VmsScreen))
        await ui.until(lambda: all(run.cancelled for run in backend.runs))


async def test_no_more_than_eight_at_once() -> None:
    backend = Backend()
    for number in range(20, 40):
        one = domain(number, f"many-{number}")
        backend.batch.domains[one.key] = one
    async with running(backend, (120, 40)) as ui:
        await ui.sees("many-20")
        await ui.press("slash", *"many", "enter", "asterisk", "r")
        await ui.sees("and 17 more")
        await ui.press("enter", *"id", "enter")
        await ui.until(lambda: len(backend.runs) == AT_ONCE)
        await ui.sees("waiting")
        backend.runs[0].done(0)
        await ui.until(lambda: len(backend.runs) == AT_ONCE + 1)
        await ui.press("X")
        await ui.sees("20 of 20")
        assert len(backend.runs) == AT_ONCE + 1


async def test_what_cannot_be_logged_in_to_is_skipped_with_its_reason() -> None:
    backend = Backend()
    async with running(backend, (120, 40)) as ui:
        await ui.sees("web-01")
        await ui.press("asterisk", "r")
        await ui.sees("skipped:")
        await ui.press("escape", "backslash", "slash", *"build-7", "enter", "r")
        await ui.sees("Log in and run: build-7 is off")
        await ui.press("slash", "ctrl+a", "ctrl+k", *"db-02", "enter", "r")
        await ui.sees("is paused and cannot react")


async def test_the_command_line_brings_its_command() -> None:
    backend = Backend()
    async with running(backend) as ui:
        await ui.sees("web-01")
        await ui.press("slash", *"web-01", "enter", "colon")
        await ui.type("run echo 'a  b' | wc -c")
        await ui.press("enter")
        await ui.sees("Password")
        assert "echo 'a  b' | wc -c" in ui.frame()
        await ui.press("enter", "enter")
        await ui.until(lambda: bool(backend.runs))
        assert backend.runs[0].login.command == "echo 'a  b' | wc -c"
        backend.runs[0].done(0, "5\n")
        await ui.sees("1 of 1")
        await ui.press("r")
        await ui.sees("echo 'a  b' | wc -c")


async def test_choices_of_the_dialog() -> None:
    backend = Backend()
    async with running(backend) as ui:
        await ui.sees("web-01")
        await ui.press("slash", *"web-01", "enter", "r")
        await ui.sees("Busy consoles")
        await ui.press("enter", "enter")
        await ui.sees("Command is missing")
        await ui.press(*"id", "tab", "space")
        await ui.sees("10 minutes")
        await ui.press("tab", "space")
        await ui.sees("take them over")
        await ui.press("enter")
        await ui.until(lambda: bool(backend.runs))
        assert backend.runs[0].login == Login("root", "", "id", force=True, seconds=600.0)


async def test_readonly_runs_nothing() -> None:
    backend = Backend()
    async with running(backend, readonly=True) as ui:
        await ui.sees("web-01")
        await ui.press("slash", *"web-01", "enter", "r")
        await ui.sees("started with --readonly")
        assert not backend.runs


async def test_the_power_menu_has_it() -> None:
    backend = Backend()
    async with running(backend) as ui:
        await ui.sees("web-01")
        await ui.press("slash", *"web-01", "enter", "P")
        await ui.sees("Log in on the console")
        await ui.press("l")
        await ui.sees("Password")


async def test_the_password_is_shown_nowhere_and_kept_nowhere(tmp_path: Path) -> None:
    backend = Backend()
    async with running(backend, (120, 40)) as ui:
        await ui.sees("web-01")
        await ui.press("slash", *"web-01", "enter", "r")
        await ui.sees("Log in and run")
        await ui.type(SECRET)
        assert SECRET not in ui.frame()
        await ui.press("enter", *"id", "enter")
        await ui.until(lambda: bool(backend.runs))
        assert backend.runs[0].login.password == SECRET
        backend.runs[0].done(0, "uid=0\n")
        await ui.sees("1 of 1")
        assert SECRET not in repr(entries(ui))
        screen = ui.app.screen
        assert isinstance(screen, RunScreen)
        await ui.until(lambda: screen._login is None)
        await ui.press("r")
        await ui.sees("Password")
        assert SECRET not in ui.frame()
    assert not holding(tmp_path, SECRET)


async def test_hostile_output_stays_text() -> None:
    backend = Backend()
    async with running(backend, (120, 40)) as ui:
        await started(ui, backend)
        backend.runs[0].done(0, "[bold]no[/bold] markup[/]\n")
        backend.runs[1].cancel()
        await ui.sees("[bold]no[/bold] markup[/]")
        await ui.press("enter")
        await ui.sees("[bold]no[/bold] markup[/]")
