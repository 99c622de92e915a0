"""Stopped and continued: by ctrl+z, by a shell, or by anybody who sends the signals."""

from __future__ import annotations

import asyncio
import termios
from typing import Any

from textual.drivers.linux_driver import LinuxDriver

from tuivm.screens.base import AppAction


class JobDriver(LinuxDriver):
    """Textual's driver; it takes the terminal back however it was lost.

    Textual puts the terminal in order before it stops, and so can only come back from a
    stop that it was told of. SIGSTOP tells nobody, and whoever has the terminal meanwhile
    leaves other settings, modes and text on it.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        """As ``LinuxDriver``; on the thread of the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._due = False
        """The terminal is about to be taken back."""
        super().__init__(*args, **options)

    def _sigtstp_application(self, *_: object) -> None:
        if self._auto_restart:
            # Not here: see below; and an answer of the terminal would reach the shell.
            self._loop.call_soon_threadsafe(self._app.post_message, AppAction("app.suspend"))
        else:
            super()._sigtstp_application()

    def stop(self) -> None:
        """Give the terminal back and stop; once continued, the terminal is ours again."""
        super()._sigtstp_application()

    def _sigcont_application(self, *_: object) -> None:
        if not self._auto_restart:
            return
        if self._key_thread is None or not self._key_thread.is_alive():
            super()._sigcont_application()
        elif self._has_terminal() and not self._due:
            self._due = True
            # Not here: the signal may have interrupted a write, whose lock it would wait for.
            self._loop.call_soon_threadsafe(self._take_back)

    def _take_back(self) -> None:
        self._due = False
        if self._auto_restart:
            self.suspend_application_mode()
            self._must_signal_resume = True
            self.resume_application_mode()

    def _has_terminal(self) -> bool:
        """Whether this may draw; in the background the kernel stops it (SIGTTOU) right here.

        Only the kernel can look and stop in one step. Where the call fails after that stop,
        the handler runs once more, for the signal that continued it.
        """
        try:
            settings = termios.tcgetattr(self.fileno)
            termios.tcsetattr(self.fileno, termios.TCSANOW, settings)
        except termios.error:
            return False
        return True
