"""A list with a summary line that turns into a prompt on ``/`` and filters as one types."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, cast

from textual.app import ComposeResult

from tuivm.core.errors import TuivmError
from tuivm.screens.rowscreen import RowScreen
from tuivm.widgets.bars import Bar, Part

if TYPE_CHECKING:
    from textual.css.query import DOMQuery

    from tuivm.core.completion import Completion
    from tuivm.widgets.prompt import Prompt

HELP = "enter keep   esc clear"


class FilterScreen(RowScreen):
    """Subclasses say what the filter does and what the summary reads."""

    _completing = ""
    """What was typed when tab was first pressed."""
    _completed = ""
    """What tab made of it."""
    _offered = -1

    @property
    def filter_text(self) -> str:
        """The filter that is applied now."""
        raise NotImplementedError

    def apply_filter(self, text: str) -> None:
        """Filter the list; raises ``TuivmError`` and changes nothing when ``text`` is wrong."""
        raise NotImplementedError

    def shown_count(self) -> int:
        """How many entries the filter lets through."""
        return self.rows_view.row_count()

    def filter_help(self) -> str:
        """What can be typed, for the empty prompt."""
        return "words"

    def summary(self) -> tuple[Iterable[Part], Iterable[Part]]:
        """The summary line's left and right parts."""
        return (), ()

    def refresh_summary(self) -> None:
        """Bring the summary line up to date."""
        self.show_bar("#summary", *self.summary())

    def compose_summary(self) -> ComposeResult:
        """Yield the summary line; to be yielded first in ``compose_body``."""
        yield Bar(id="summary")

    def do_app_filter(self) -> None:
        """Open the prompt with the present filter."""
        if self._prompt is not None:
            return
        # Its input takes long to load: not before it is wanted.
        from tuivm.widgets.prompt import Prompt

        bar = self.query_one("#summary", Bar)
        prompt = Prompt("/", self.filter_text, instead=bar)
        self.mount(prompt, before=bar)
        self.call_after_refresh(self._remark, prompt)

    def clear_filter(self) -> bool:
        """Take the filter off; False when there was none."""
        if not self.filter_text:
            return False
        self.apply_filter("")
        self.refresh_summary()
        return True

    def do_nav_back(self) -> None:
        """Clear the filter, or else leave."""
        if not self.clear_filter() and len(self.app.screen_stack) > 1:
            self.dismiss()

    @property
    def _prompt(self) -> Prompt | None:
        found = cast("DOMQuery[Prompt]", self.query("Prompt"))
        return next((prompt for prompt in found if prompt.sign == "/"), None)

    def _close_prompt(self, prompt: Prompt) -> None:
        prompt.close()
        self.refresh_summary()

    def _remark(self, prompt: Prompt) -> None:
        if not prompt.is_mounted:
            return
        try:
            self.apply_filter(prompt.text)
        except TuivmError as error:
            hint = f" ({error.hint})" if error.hint else ""
            prompt.remark(f"{error.message or error.title}{hint}", "warn")
            return
        if prompt.text:
            prompt.remark(f"{self.shown_count()} shown   {HELP}")
        else:
            prompt.remark(self.filter_help())

    def on_prompt_changed(self, message: Prompt.Changed) -> None:
        """Filter as one types."""
        if message.prompt.sign == "/":
            message.stop()
            self._remark(message.prompt)

    def on_prompt_submitted(self, message: Prompt.Submitted) -> None:
        """Keep the filter."""
        if message.prompt.sign == "/":
            message.stop()
            self._close_prompt(message.prompt)

    def on_prompt_cancelled(self, message: Prompt.Cancelled) -> None:
        """Take the filter off."""
        prompt = self._prompt
        if prompt is not None and prompt.entry.has_focus:
            message.stop()
            self.apply_filter("")
            self._close_prompt(prompt)

    def offers(self, text: str) -> Sequence[Completion]:
        """What can be typed next; tab goes through it."""
        return ()

    def on_prompt_completing(self, message: Prompt.Completing) -> None:
        """Put the next of what can be typed into the prompt."""
        message.stop()
        prompt = self._prompt
        if prompt is None:
            return
        if prompt.text != self._completed:
            self._completing, self._offered = prompt.text, -1
        offers = self.offers(self._completing)
        if not offers:
            prompt.remark("nothing to complete here", "warn")
            return
        self._offered = (self._offered + message.step) % len(offers)
        self._completed, cursor = offers[self._offered].apply(
            self._completing, len(self._completing)
        )
        prompt.set_text(self._completed, cursor)

    def on_prompt_moving(self, message: Prompt.Moving) -> None:
        """Move in the list below."""
        message.stop()
        self.rows_view.move(message.step)
