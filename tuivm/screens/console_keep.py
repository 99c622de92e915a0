"""What a console's screen does beside showing it: record, paste, keys, size, and the past."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tuivm.core import files
from tuivm.core.model import DomainKey, LogEntry, Severity
from tuivm.core.pasting import look
from tuivm.core.recording import TERMS, Recording
from tuivm.core.rows import Row
from tuivm.core.session import ConsoleSession
from tuivm.core.text import sanitise
from tuivm.core.virsh import virsh
from tuivm.screens import console_keys
from tuivm.screens.console_past import Past, log_of
from tuivm.screens.console_paste import Pump, first_line, question
from tuivm.screens.console_read import ReadingScreen, reading_parts
from tuivm.screens.context import Context
from tuivm.screens.menu import Choice, Menu
from tuivm.widgets.bars import Part
from tuivm.widgets.terminal import TerminalView

PASSWORDS = "What you type is in the file then, passwords included."


class KeepingScreen(ReadingScreen):
    """A console's screen as far as keeping, typing for the user, and its menus go."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._pump: Pump | None = None
        self.past = Past(self)
        """Fills in what was printed before."""

    @property
    def key(self) -> DomainKey:
        """The domain whose console has the keys."""
        raise NotImplementedError

    # -- the menu ------------------------------------------------------------------------

    def keep_choices(self) -> Sequence[Choice]:
        """The menu's lines; what cannot be done now says why."""
        session = self.view.session
        away = "" if session.attached else "not attached"
        readonly = self.context.read_only
        columns, lines = session.grid
        recording = session.recording
        running = recording is not None and recording.running
        return (
            Choice("/", "Search", "search", detail="in what is older; n, N go on"),
            Choice("c", "Select and copy", "select", detail="or drag with the mouse"),
            Choice("t", "Save as text", "save", detail="scrollback and screen"),
            Choice(
                "r",
                "Stop recording" if running else "Record",
                "record",
                detail=recording.path.name if running and recording else "for asciinema",
            ),
            Choice(
                "z",
                "Sync size",
                "size",
                away or self._why_no_shell(),
                f"types: stty rows {lines} cols {columns}",
            ),
            Choice("x", "Log in and run", "run", readonly, "a command; its output and exit code"),
            Choice("e", "Keyboard", "keyboard", detail="xterm, vt220, linux; Backspace"),
            Choice("d", "Send Ctrl-Alt-Del", "ctrl-alt-del", readonly or away, "to the keyboard"),
            Choice("p", "Keep a log file", "log", readonly or self._why_no_log(), "adds one"),
            Choice("q", "Send SysRq", "sysrq", readonly or away, "Linux's magic key"),
        )

    def do_keep(self, what: str) -> None:
        """Carry out one of ``keep_choices``, or a click on the status line."""
        view = self.view
        match what:
            case "search":
                self.ask_search(back=True)
            case "select":
                view.reading.begin(select=True)
            case "copy":
                view.reading.copy()
            case "save":
                self.save()
            case "record":
                self._record()
            case "stop-paste":
                self.stop_paste()
            case "size":
                columns, lines = view.session.grid
                view.session.write(f"stty rows {lines} cols {columns}\r".encode())
            case "run":
                self._log_in_and_run()
            case "keyboard":
                self._keyboard()
            case "ctrl-alt-del":
                self.send_keys(console_keys.CTRL_ALT_DEL)
            case "sysrq":
                self._sysrq()
            case "log":
                self.past.offer()

    def _why_no_shell(self) -> str:
        """Why a command would go wrong; empty when it can be typed, as far as is seen."""
        view = self.view
        with view.session.turn as core:
            rows = [] if core is None else core.row_texts(view.total - view.session.grid[1])
        said = [row.rstrip().lower() for row in rows if row.strip()]
        asks = bool(said) and said[-1].endswith(("login:", "password:"))
        return "the guest asks for a login: log in first" if asks else ""

    def _why_no_log(self) -> str:
        """Why no log file can be added; empty when it can, as far as one knows here."""
        status = self.context.store.hosts.get(self.key.host)
        if status is not None and status.demo:
            return "not for the embedded fleet"
        log = log_of(self.context.store.rows.get(self.key))
        return f"it has one: {log}" if log else ""

    def keep_parts(self) -> list[Part]:
        """What the status line says about all this."""
        # For a while the answer stands in the place of the keys, which would push it off.
        parts = [Part("  "), self.said] if self.said.text else reading_parts(self.view)
        recording = self.view.session.recording
        if recording is not None and recording.running:
            typed = " and what is typed" if recording.with_input else ""
            parts.append(Part("  REC", "bad", "record"))
            parts.append(Part(f" {sanitise(recording.path.name, 40)}{typed}", "dim", "record"))
        pump = self._pump
        if pump is not None and pump.running and pump.long:
            parts.append(Part(f"  pasting {pump.percent} %", "warn"))
            parts += [Part("  esc", "key", "stop-paste"), Part(" stops it", "", "stop-paste")]
        return parts

    # -- recording -----------------------------------------------------------------------

    def _record(self) -> None:
        from tuivm.screens.pathdialog import PathDialog

        session = self.view.session
        if session.recording is not None and session.recording.running:
            self.stop_recording(session)
            return
        dialog = PathDialog(
            self.context,
            f"Record the console of {self.name_of}",
            "What it prints from now on, as asciicast v2: asciinema play FILE",
            files.recordings_folder() / files.file_name(self.name_of, ".cast"),
            verb="record",
            extra="what I type too",
            warning=PASSWORDS,
        )

        def chosen(answer: tuple[Path, bool] | None) -> None:
            if answer is not None:
                self._start_recording(session, *answer)

        self.app.push_screen(dialog, chosen)

    def _start_recording(self, session: ConsoleSession, path: Path, with_input: bool) -> None:
        app, store, name = self.app, self.context.store, self.name_of
        key = session.domain

        def failed(error: OSError) -> None:
            told = files.cannot("go on recording", path, error)
            text = f"{name}: {told}: {sanitise(str(path), 200)}"
            entry = LogEntry(
                time.time(), text, Severity.ERROR, host=key.host, uuid=key.uuid, name=name
            )
            app.call_later(store.add_entry, entry)
            app.call_later(self._recording_failed, told)

        with session.turn as core:
            term = TERMS[core.keyboard.personality] if core is not None else ""
        try:
            files.make_folder(path)
            recording = Recording(
                path, session.grid, title=name, term=term, with_input=with_input, failed=failed
            )
        except OSError as error:
            self.say(files.cannot("record", path, error), "bad")
            return
        taps = [session.add_tap(recording.output), session.resized.add(recording.resize)]
        if with_input:
            taps.append(session.typed.add(recording.input))

        def stop() -> None:
            for remove in taps:
                remove()

        recording.stop_taps = stop
        session.recording = recording
        self.refresh_texts()

    def _recording_failed(self, told: str) -> None:
        if self.present:
            self.say(told, "bad")

    def stop_recording(self, session: ConsoleSession) -> None:
        """End a session's recording, if there is one, and say where it is."""
        recording, session.recording = session.recording, None
        if recording is None or not recording.running:
            return
        recording.close()
        text = f"recorded to {sanitise(str(recording.path), 200)}"
        key = session.domain
        self.context.store.add_entry(
            LogEntry(time.time(), text, Severity.GOOD, host=key.host, uuid=key.uuid)
        )
        if self.present:
            self.say(f"recorded {sanitise(recording.path.name, 60)}")

    def _log_in_and_run(self) -> None:
        from tuivm.screens.runform import ask_run

        ask_run(self.app, self.context, [self.key], lambda text: self.say(text, "warn"))

    # -- pasting -------------------------------------------------------------------------

    def ask_paste(self, view: TerminalView, text: str) -> None:
        """Send what was pasted, after a question where it has line ends."""
        if not view.session.attached:
            self.say("not attached: nothing was pasted", "warn")
            return
        sessions = [view.session, *view.peers()]
        asked = look(text)
        if not asked.enters:
            self._paste(view, sessions, text)
            return
        name = self.name_of if len(sessions) == 1 else f"{len(sessions)} consoles"
        size = len(text.encode("utf-8", "replace"))

        def answered(yes: bool | None) -> None:
            if yes:
                self._paste(view, sessions, text)

        title, words = question(asked, name, size)
        self.ask(title, words, first_line(asked), "Paste", answered)

    def _paste(self, view: TerminalView, sessions: list[ConsoleSession], text: str) -> None:
        if self._pump is not None and self._pump.running:
            self.say("a paste is under way: esc stops it", "warn")
            return

        def told() -> None:
            view.locked = pump.running
            if not pump.running and pump.broken and self.present:
                self.say(f"pasted {pump.sent} of {pump.total} bytes", "warn")
            elif self.present:
                self.refresh_texts()

        pump = self._pump = Pump(sessions, text, told)
        view.locked = True
        pump.start()

    def stop_paste(self) -> bool:
        """Break off the paste under way; False without one."""
        pump = self._pump
        if pump is None or not pump.running:
            return False
        pump.stop()
        self.view.locked = False
        if self.present:
            self.say(f"pasted {pump.sent} of {pump.total} bytes", "warn")
        return True

    # -- keys ----------------------------------------------------------------------------

    def _keyboard(self) -> None:
        session = self.view.session
        with session.turn as core:
            if core is None:
                return
            keyboard = core.keyboard

        def chosen(value: str | None) -> None:
            if value is None:
                return
            with session.turn as core:
                if core is not None:
                    core.keyboard = console_keys.changed(core.keyboard, value)
            self.refresh_texts()

        self._menu_of("Keyboard", console_keys.keyboard_choices(keyboard), chosen)

    def _sysrq(self) -> None:
        def chosen(value: str | None) -> None:
            if value is None:
                return
            words = dict(console_keys.SYSRQ)[value[-1]]
            if value[-1] not in console_keys.HARMFUL:
                self.send_keys(value)
                return
            title = f"Send SysRq {value[-1]}?"
            self.ask(title, f"{self.name_of}: {words}.", self.name_of, "Send", sure(value))

        def sure(value: str) -> Callable[[bool | None], None]:
            return lambda yes: self.send_keys(value) if yes else None

        self._menu_of("SysRq", console_keys.sysrq_choices(), chosen)

    def _menu_of(
        self, title: str, choices: Sequence[Choice], chosen: Callable[[str | None], None]
    ) -> None:
        self.app.push_screen(Menu(self.context, title, choices), chosen)

    def send_keys(self, keys: str) -> None:
        """Press keys of the guest's keyboard; the outcome goes to the events."""
        key, store = self.key, self.context.store
        row: Row | None = store.rows.get(key)
        name = "" if row is None else row.domain.name
        future = self.context.backend.run(
            key, "send-key", {"keys": " ".join(console_keys.names(keys))}
        )

        def sent() -> None:
            error = future.exception()
            text = f"{name}: {error}" if error else f"sent {keys} to {name}"
            severity = Severity.ERROR if error else Severity.INFO
            command = "" if row is None else virsh(row, "send-key", *console_keys.names(keys))
            store.add_entry(
                LogEntry(
                    time.time(), text, severity, host=key.host, uuid=key.uuid, name=name,
                    virsh=command,
                )
            )  # fmt: skip
            if self.present:
                self.say(text, "bad" if error else "good")

        self.once_done(future, sent)
