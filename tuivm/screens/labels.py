"""Tags of the marked VMs, and one VM's title and description: asked for, then written."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from textual import events
from textual.app import ComposeResult
from textual.widgets import Input, Static, TextArea

from tuivm.core.action import Action
from tuivm.core.actions import ACTIONS
from tuivm.core.completion import known_values
from tuivm.core.errors import TuivmError
from tuivm.core.labels import DESC, TAG, TITLE
from tuivm.core.model import Description, DomainKey
from tuivm.core.rows import Row
from tuivm.core.tags import parse_change
from tuivm.core.text import fit
from tuivm.core.words import quote
from tuivm.screens.base import BaseScreen
from tuivm.screens.context import Context
from tuivm.screens.dialog import Dialog, key_parts
from tuivm.screens.flow import ActionFlow, done_entry
from tuivm.widgets.bars import Part
from tuivm.widgets.prompt import LineInput
from tuivm.widgets.roles import role_text

NAMED = 3
"""VMs that the dialog names; the rest are counted."""


class TagDialog(Dialog[str]):
    """Returns a change of tags such as ``+web -old``, or None."""

    DEFAULT_CSS = """
    TagDialog #about, TagDialog #wrong { width: 1fr; height: auto; }
    TagDialog LineInput, TagDialog LineInput:focus { margin: 1 0; background: $surface; }
    """

    def __init__(self, context: Context, rows: Sequence[Row], skipped: str) -> None:
        super().__init__(context, "Tags")
        self._rows = rows
        self._skipped = skipped
        self._known = known_values(context.store)["tag"]
        self._offers: list[str] = []

    def compose_box(self) -> ComposeResult:
        """Who has which tags, and the line to type."""
        yield Static(role_text(self.app, self._about()), id="about", markup=False)
        entry = LineInput("", placeholder="+web -old", compact=True, select_on_focus=False)
        entry.cursor_blink = False
        yield entry
        yield Static("", id="wrong", markup=False)

    def on_mount(self) -> None:
        """Take the keys from the first moment on."""
        self.set_focus(self.query_one(LineInput))

    def _about(self) -> list[tuple[str, str]]:
        rows = self._rows
        names = ", ".join(fit(row.domain.name, 24).rstrip() for row in rows[:NAMED])
        more = f" and {len(rows) - NAMED} more" if len(rows) > NAMED else ""
        parts = [("Of ", ""), (f"{names}{more}", "strong"), (". + gives, - takes away.", "")]
        count = Counter(tag for row in rows if row.domain.facts for tag in row.domain.facts.tags)
        now = ", ".join(
            tag if len(rows) == 1 else f"{tag} ({number} of {len(rows)})"
            for tag, number in sorted(count.items())
        )
        unread = sum(row.domain.facts is None for row in rows)
        parts += [("\nNow     ", "label"), (now or ("" if unread else "none"), "")]
        if unread:
            parts.append((f"{', ' if now else ''}not read yet of {unread}", "dim"))
        if self._known:
            parts += [("\nIn use  ", "label"), (fit(", ".join(self._known), 400).rstrip(), "")]
        if self._skipped:
            parts.append((f"\n{self._skipped}", "warn"))
        return parts

    def keys(self) -> Iterable[Part]:
        """What to press."""
        return key_parts(
            ("enter", "change", "enter"),
            ("tab", "complete", "tab"),
            ("esc", "leave", "escape"),
        )

    def on_input_changed(self, event: Input.Changed) -> None:
        """What was wrong may be right now."""
        event.stop()
        self._say("")

    def on_line_input_special(self, event: LineInput.Special) -> None:
        """Keys that the input leaves to others."""
        event.stop()
        if event.key == "escape":
            self.dismiss(None)
        else:
            self.key(event.key, None)

    def key(self, key: str, character: str | None) -> bool:
        """Enter takes the line, tab goes through the tags in use."""
        match key:
            case "enter":
                self._take()
            case "tab":
                self._complete(1)
            case "shift+tab":
                self._complete(-1)
            case _:
                return False
        return True

    def _complete(self, step: int) -> None:
        entry = self.query_one(LineInput)
        head, _, word = entry.value.rpartition(" ")
        if not self._offers or word not in self._offers:
            sign = word[:1] if word[:1] in ("+", "-") else "+"
            stem = word.lstrip("+-").casefold()
            self._offers = [sign + tag for tag in self._known if tag.casefold().startswith(stem)]
            place = 0 if step > 0 else -1
        else:
            place = self._offers.index(word) + step
        if not self._offers:
            self._say("no tag in use begins like this; it would be a new one", "dim")
            return
        chosen = self._offers[place % len(self._offers)]
        entry.value = f"{head} {chosen}" if head else chosen
        entry.cursor_position = len(entry.value)

    def _take(self) -> None:
        text = self.query_one(LineInput).value
        try:
            change = parse_change(text)
        except TuivmError as error:
            self._say(f"{error.message} ({error.hint})", "bad")
            return
        signed = [*(f"+{tag}" for tag in change.add), *(f"-{tag}" for tag in change.remove)]
        self.dismiss(" ".join(signed))

    def _say(self, text: str, role: str = "") -> None:
        self.query_one("#wrong", Static).update(role_text(self.app, [(text, role)]))


async def change_tags(
    screen: BaseScreen, keys: Sequence[DomainKey], args: Mapping[str, str]
) -> None:
    """Give and take tags, asking for them where the arguments do not say."""
    context, action = screen.context, ACTIONS["view.tags"]
    if "change" not in args:
        rows = [context.store.rows[key] for key in keys if key in context.store.rows]
        reasons = [reason for row in rows if (reason := action.applies(row)) is not None]
        able = [row for row in rows if action.applies(row) is None]
        if not able:
            why = reasons[0] if reasons else "no VM is marked or under the cursor"
            screen.say(f"{action.title}: {why}")
            return
        skipped = f"{len(reasons)} skipped: {reasons[0]}" if reasons else ""
        change = await screen.app.push_screen_wait(TagDialog(context, able, skipped))
        if change is None:
            return
        keys, args = [row.key for row in able], {**args, "change": change}
        # Should it fail on some, the line is there to be sent again.
        context.history.append(_line(context, change, able))
    await ActionFlow(screen).do(TAG, keys, args)


def _line(context: Context, change: str, rows: Sequence[Row]) -> str:
    many = len(context.store.hosts) > 1
    names = (f"{row.key.host}/{row.domain.name}" if many else row.domain.name for row in rows)
    return f"tag {change} {' '.join(quote(name) for name in names)}"


class Lines(TextArea):
    """A text of several lines; what leads out of it is the dialog's."""

    async def _on_key(self, event: events.Key) -> None:
        if event.key in ("escape", "tab", "shift+tab", "ctrl+s"):
            event.stop()
            event.prevent_default()
            screen = self.screen
            if isinstance(screen, DescribeDialog):
                screen.special(event.key)
            return
        await super()._on_key(event)


class DescribeDialog(Dialog[None]):
    """Edits title and description, and stays until they are written or given up."""

    DEFAULT_CSS = """
    DescribeDialog #wrong { width: 1fr; height: auto; }
    DescribeDialog .label { width: 1fr; height: 1; }
    DescribeDialog LineInput, DescribeDialog LineInput:focus {
        background: $surface; margin: 0 0 1 0;
    }
    DescribeDialog Lines, DescribeDialog Lines:focus {
        height: 10; border: none; padding: 0; background: $surface;
    }
    DescribeDialog Lines:ansi { background: ansi_default; }
    """

    def __init__(self, context: Context, row: Row, known: Description, first: str) -> None:
        super().__init__(context, f"Title and description of {fit(row.domain.name, 32).rstrip()}")
        self._key = row.key
        self._known = known
        self._first = first
        self._busy = False
        self._warned = False

    def compose_box(self) -> ComposeResult:
        """The two fields under their names."""
        yield Static(role_text(self.app, [("Title", "label")]), classes="label", markup=False)
        entry = LineInput(
            self._known.title, placeholder="one line", compact=True, select_on_focus=False
        )
        entry.cursor_blink = False
        yield entry
        yield Static(role_text(self.app, [("Description", "label")]), classes="label", markup=False)
        lines = Lines(self._known.text, soft_wrap=True, tab_behavior="focus", compact=True)
        lines.cursor_blink = False
        yield lines
        yield Static("", id="wrong", markup=False)

    def on_mount(self) -> None:
        """Begin where one wanted to."""
        lines = self.query_one(Lines)
        lines.move_cursor(lines.document.end)
        self.set_focus(self.query_one(LineInput) if self._first == "title" else lines)

    def keys(self) -> Iterable[Part]:
        """What to press."""
        return key_parts(
            ("ctrl+s", "save", "ctrl+s"), ("tab", "next field", "tab"), ("esc", "leave", "escape")
        )

    def on_line_input_special(self, event: LineInput.Special) -> None:
        """Keys that the title leaves to others; enter goes on to the description."""
        event.stop()
        self.special("tab" if event.key in ("enter", "down", "up") else event.key)

    def special(self, key: str) -> None:
        """A key that a field leaves to the dialog."""
        if key == "escape":
            self._leave()
        else:
            self.key(key, None)

    def key(self, key: str, character: str | None) -> bool:
        """Go through the fields, save, leave."""
        match key:
            case "tab" | "shift+tab":
                title = self.query_one(LineInput)
                self.set_focus(self.query_one(Lines) if title.has_focus else title)
            case "ctrl+s":
                if not self._busy:
                    self._busy = True
                    self.run_worker(self._save(), exit_on_error=True)
            case "escape":
                self._leave()
            case _:
                return False
        return True

    @property
    def _now(self) -> Description:
        return Description(self.query_one(LineInput).value.strip(), self.query_one(Lines).text)

    def _leave(self) -> None:
        if self._now == self._known or self._warned:
            self.dismiss(None)
            return
        self._warned = True
        self._say("this is not saved: esc once more drops it, ctrl+s saves it", "warn")

    async def _save(self) -> None:
        now = self._now
        self._say("saving…", "dim")
        try:
            # Only what was changed is written: the rest stays as it is, to the byte.
            if now.title != self._known.title:
                await self._write(TITLE, now.title)
                self._known = self._known._replace(title=now.title)
            if now.text != self._known.text:
                await self._write(DESC, now.text)
                self._known = self._known._replace(text=now.text)
        except TuivmError as error:
            self._busy = False
            self._say(f"{error} — nothing typed here is lost", "bad")
            return
        if self.is_attached:
            self.dismiss(None)

    async def _write(self, action: Action, text: str) -> None:
        context, args = self.context, {"text": text}
        row = context.store.rows.get(self._key)
        if row is None:
            raise TuivmError(f"Cannot save the {action.title.lower()}", "the VM no longer exists")
        began = time.monotonic()
        note = await asyncio.wrap_future(context.backend.run(self._key, action.verb, args))
        took = time.monotonic() - began
        context.store.add_entry(done_entry(action, row, args, note, None, took))

    def _say(self, text: str, role: str) -> None:
        self.query_one("#wrong", Static).update(role_text(self.app, [(text, role)]))


async def describe(screen: BaseScreen, key: DomainKey, what: str) -> None:
    """Read title and description, then let them be edited."""
    context, action = screen.context, ACTIONS["view.describe"]
    row = context.store.rows.get(key)
    reason = "it is gone" if row is None else action.applies(row)
    if row is None or reason is not None:
        screen.say(f"{action.title}: {reason}")
        return
    try:
        known = await asyncio.wrap_future(context.backend.description(key))
    except TuivmError as error:
        screen.say(str(error))
        return
    await screen.app.push_screen_wait(DescribeDialog(context, row, known, what))


async def describe_all(
    screen: BaseScreen, keys: Sequence[DomainKey], args: Mapping[str, str]
) -> None:
    """Write the title or description that was typed."""
    await ActionFlow(screen).do(TITLE if args.get("what") == "title" else DESC, keys, args)
