"""Searching in the text that a screen shows: the prompt, and the keys that follow it."""

from __future__ import annotations

from textual import on

from tuivm.screens.base import BaseScreen
from tuivm.widgets.bars import Bar
from tuivm.widgets.prompt import Prompt
from tuivm.widgets.textview import TextView


class TextSearching(BaseScreen):
    """A screen with a text that can be searched, at least some of the time."""

    @property
    def searched(self) -> TextView | None:
        """The text to search in, or None where there is none now."""
        raise NotImplementedError

    @property
    def _search_prompt(self) -> Prompt | None:
        return next((prompt for prompt in self.query(Prompt) if prompt.sign == "/"), None)

    def do_text_search(self) -> None:
        """Open the prompt; the search goes on as one types."""
        if self._search_prompt is None:
            bar = self.query_one("#footer", Bar)
            self.mount(Prompt("/", instead=bar), before=bar)

    @on(Prompt.Changed)
    def _search_typed(self, message: Prompt.Changed) -> None:
        text = self.searched
        if message.prompt.sign == "/" and text is not None:
            message.stop()
            text.search(message.prompt.text)
            count = text.find.count if text.find else "type what to look for"
            message.prompt.remark(f"{count}   enter keep   esc clear")

    @on(Prompt.Submitted)
    def _search_kept(self, message: Prompt.Submitted) -> None:
        if message.prompt.sign == "/":
            message.stop()
            self._close_search(message.prompt)

    @on(Prompt.Cancelled)
    def _search_cancelled(self, message: Prompt.Cancelled) -> None:
        prompt, text = self._search_prompt, self.searched
        if prompt is not None and prompt.entry.has_focus:
            message.stop()
            if text is not None:
                text.search("")
            self._close_search(prompt)

    def _close_search(self, prompt: Prompt) -> None:
        prompt.close()
        self.refresh_footer()

    def do_text_next(self) -> None:
        """The next match."""
        self._match(1)

    def do_text_previous(self) -> None:
        """The match before."""
        self._match(-1)

    def _match(self, by: int) -> None:
        text = self.searched
        if text is None or text.find is None:
            self.say("nothing is searched for: / begins a search")
        elif not text.find.matches:
            self.say(f"no match for {text.find.needle}")
        else:
            text.next_match(by)
