"""When to ask what hosts want to know: one question at a time, never over what one types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import App

from tuivm.core.question import Question
from tuivm.core.rows import Changes
from tuivm.screens.base import BaseScreen
from tuivm.screens.context import Context
from tuivm.screens.dialog import Dialog

if TYPE_CHECKING:
    from tuivm.screens.auth import AuthDialog


class Asking:
    """Opens a dialog for the oldest open question as soon as that disturbs nobody.

    UI thread only.
    """

    def __init__(self, app: App[int], context: Context) -> None:
        self._app = app
        self._context = context
        self._shown: AuthDialog | None = None
        self._told: set[int] = set()
        context.store.subscribe(self._changed)

    def look(self) -> None:
        """Open the next dialog, if there is a question and nobody is typing."""
        questions = self._context.store.questions
        if self._shown is not None or not questions:
            return
        question = next(iter(questions.values()))
        screen = self._app.screen
        if isinstance(screen, Dialog) and screen.asks_hosts:
            self._open(question)
            return
        if not isinstance(screen, BaseScreen):
            return
        focused = screen.focused
        if screen.asking or (focused is not None and focused.check_consume_key("a", "a")):
            if question.id not in self._told:
                self._told.add(question.id)
                screen.say(f"{question.host} asks for {question.kind.value}: go back to answer")
            return
        self._open(question)

    def _open(self, question: Question) -> None:
        from tuivm.screens.auth import AuthDialog

        self._shown = dialog = AuthDialog(self._context, question)
        self._app.push_screen(dialog, self._answered)

    def _answered(self, text: str | None) -> None:
        dialog, self._shown = self._shown, None
        if dialog is not None and dialog.question.id in self._context.store.questions:
            del self._context.store.questions[dialog.question.id]
            self._context.backend.answer(dialog.question.id, text)
        self._app.call_later(self.look)

    def _changed(self, changes: Changes) -> None:
        if not changes.questions:
            return
        dialog = self._shown
        if dialog is not None and dialog.question.id not in self._context.store.questions:
            # ssh is gone, or nobody answered in time.
            if dialog.is_current:
                dialog.dismiss(None)
            return
        self.look()
