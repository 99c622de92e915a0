"""The ``:`` line at the bottom of every screen: virsh's verbs, views, completion, history."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from tuivm.core.commands import Invocation, parse, resolve
from tuivm.core.completion import Completion, complete
from tuivm.core.errors import TuivmError
from tuivm.core.text import cell_width, fit
from tuivm.screens.base import BaseScreen
from tuivm.widgets.listbox import Line, ListBox, Span
from tuivm.widgets.prompt import Prompt

SHOWN = 8
"""Offers that are on screen at once."""
WIDEST = 44
"""Cells that an offer takes at most; its help stands behind it."""
HELP = "tab completes   enter runs   esc leaves"


class CommandLine(Vertical):
    """Covers the footer while one types; the offers grow upwards from it."""

    DEFAULT_CSS = """
    CommandLine { layer: above; dock: bottom; height: auto; background: $background; }
    CommandLine > ListBox { display: none; border-top: solid $foreground-muted; }
    CommandLine.-ascii > ListBox { border-top: ascii $foreground-muted; }
    """

    def __init__(self, screen: BaseScreen) -> None:
        super().__init__(classes="-ascii" if screen.context.options.ascii else "")
        self._origin = screen
        self._shared = screen.context
        self._typed = ""
        """The line without the offer that tab put into it."""
        self._offers: list[Completion] = []
        self._chosen = -1
        self._taking = ""
        """The line that tab made, so that the change it causes is known."""

    @classmethod
    def open(cls, screen: BaseScreen) -> None:
        """Open the line on a screen, once."""
        if not screen.query(cls):
            screen.mount(cls(screen))

    def compose(self) -> ComposeResult:
        """The offers above, the prompt below."""
        yield ListBox(id="offers", ascii_only=self._shared.options.ascii)
        yield Prompt(":", history=self._shared.history)

    def on_mount(self) -> None:
        """Say what to press."""
        self.call_after_refresh(self.prompt.remark, HELP)

    @property
    def prompt(self) -> Prompt:
        """The prompt."""
        return self.query_one(Prompt)

    @on(Prompt.Changed)
    def _changed(self, message: Prompt.Changed) -> None:
        message.stop()
        if message.text == self._taking:
            return
        self._typed, self._taking, self._chosen = message.text, "", -1
        self._offers = self._complete_line() if message.text else []
        self._show_offers()
        self.prompt.remark("" if message.text else HELP)

    def _complete_line(self) -> list[Completion]:
        views = (view.name for view in self._shared.views.every())
        return complete(self._typed, self._shared.store, views=views)

    def _show_offers(self) -> None:
        box = self.query_one(ListBox)
        width = max((cell_width(offer.text) for offer in self._offers), default=0)
        width = min(width, WIDEST)
        box.show(
            [
                Line(
                    (Span(f"  {fit(offer.text, width)}"), Span(f"  {offer.help}", "dim")),
                    str(index),
                )
                for index, offer in enumerate(self._offers)
            ]
        )
        if self._offers:
            box.styles.height = min(SHOWN, len(self._offers)) + 1
            box.move_to(max(0, self._chosen))
        box.display = bool(self._offers)

    @on(Prompt.Completing)
    def _complete(self, message: Prompt.Completing) -> None:
        message.stop()
        if not self._offers:
            self._offers = self._complete_line()
        if not self._offers:
            self.prompt.remark("nothing to complete here", "warn")
            return
        self._take((self._chosen + message.step) % len(self._offers))

    def _take(self, index: int) -> None:
        self._chosen = index
        text, cursor = self._offers[index].apply(self._typed, len(self._typed))
        self._taking = text
        self.prompt.set_text(text, cursor)
        if len(self._offers) == 1:
            # Nothing to choose: what comes next can be completed at once.
            self._taking = ""
        self._show_offers()

    @on(ListBox.Opened)
    def _offer_clicked(self) -> None:
        index = self.query_one(ListBox).cursor_index()
        if index is not None:
            self._take(index)

    @on(Prompt.Cancelled)
    def _cancelled(self, message: Prompt.Cancelled) -> None:
        message.stop()
        self._close()

    @on(Prompt.Submitted)
    def _submitted(self, message: Prompt.Submitted) -> None:
        message.stop()
        line = message.text.strip()
        try:
            invocation = parse(line)
            if invocation is not None:
                # This line is gone by the time that a dialog is answered: not to it.
                with self.app._context():
                    run(self._origin, invocation)
        except TuivmError as error:
            hint = f" ({error.hint})" if error.hint else ""
            self.prompt.remark(f"{error.message or error.title}{hint}", "warn")
            return
        history = self._shared.history
        if line and (not history or history[-1] != line):
            history.append(line)
        self._close()

    def _close(self) -> None:
        self._origin.set_focus(None)
        self.remove()


def run(screen: BaseScreen, invocation: Invocation) -> None:
    """Do what a line says. Raises ``CommandError`` when a name in it cannot be resolved."""
    context = screen.context
    targets = resolve(invocation.targets, context.store.rows) if invocation.targets else None
    root = screen.app.screen_stack[0]
    action_id, args = invocation.action_id, invocation.args
    if action_id == "list.mark" and targets:
        context.view.mark(targets)
        args = {"named": "on"}
    if isinstance(root, BaseScreen) and root.takes(action_id, args):
        context.dispatch(screen, "view.vms", {}, None)
        root.take(action_id, args)
        return
    own = getattr(screen, "do_" + action_id.replace(".", "_").replace("-", "_"), None)
    if targets is None and not args and own is not None:
        own()
        return
    if not context.dispatch(screen, action_id, args, targets):
        screen.say(f"{action_id} has nothing to do here")
