"""The bar of open consoles, and what the console's menu offers about them."""

from __future__ import annotations

from collections.abc import Sequence

from tuivm.core.api import ConsoleState
from tuivm.core.glyphs import glyphs
from tuivm.core.text import cell_width, clip
from tuivm.screens.console_deck import Deck, Tab
from tuivm.screens.console_read import live_parts
from tuivm.screens.console_text import WORDS
from tuivm.screens.context import Context
from tuivm.screens.menu import Choice, Menu
from tuivm.widgets.bars import Part

LEAVE, MENU = "console.leave", "console.menu"
NAME_CELLS = 24
"""Cells that a tab's name may take."""
DIGITS = "123456789"


class ConsoleMenu(Menu):
    """The console's menu: digits and tab switch, and its own key goes to the guest."""

    def key(self, key: str, character: str | None) -> bool:
        """Switch without looking for the line, else as every menu."""
        values = set(self._choices)
        if key in ("tab", "shift+tab") and "tab:next" in values:
            self.dismiss("tab:next" if key == "tab" else "tab:before")
        elif character and character in DIGITS and "tab:next" in values:
            self.dismiss(f"tab:{int(character) - 1}")
        elif (
            key in self.context.keymap.keys_for("console.menu") and not self._choices["f12"].reason
        ):
            self.dismiss("f12")
        else:
            return super().key(key, character)
        return True


def tab_choices(context: Context, deck: Deck) -> Sequence[Choice]:
    """The menu's lines about several consoles; what cannot be done now says why."""
    tab = deck.tab
    kept = context.consoles.keeps(tab.key, tab.device)
    several = len(deck.tabs) > 1
    alone = "" if several else "only one console is open; mark VMs in the list, then c"
    hearing = len(deck.attached())
    few = alone or ("" if hearing > 1 else "fewer than two are attached")
    lines = [
        Choice(
            "k",
            "Let go when leaving" if kept else "Keep attached",
            "keep",
            detail="" if kept else "goes on reading after leaving; nobody else can attach",
        ),
        Choice("a", "Attach anew", "again", detail="where nothing comes any more"),
        Choice("o", "Other consoles", "devices", detail="further serial ports of this VM"),
        Choice("v", "One alone" if deck.beside is not None else "Split", "split", alone),
        Choice("b", f"Type into all {hearing}" if few == "" else "Type into all", "broadcast", few),
    ]
    if several:
        lines += [
            Choice("", "Next console", "tab:next", detail="tab, shift+tab, or 1 to 9"),
            Choice("w", "Close this console", "tab:close", detail="the others stay"),
        ]
    return lines


def label(context: Context, tab: Tab) -> str:
    """A tab's name: the VM's, with the device where it is not the first."""
    row = context.store.rows.get(tab.key)
    if row is not None:
        tab.name = row.domain.name
    name = tab.name or "?"
    return f"{name}:{tab.device}" if tab.device else name


def bar_parts(context: Context, deck: Deck, width: int) -> tuple[list[Part], list[Part]]:
    """The bar above the consoles; the tab that has the keys is always in sight."""
    groups = [_tab_parts(context, deck, place) for place in range(len(deck.tabs))]
    right: list[Part] = []
    if deck.broadcast:
        count = len(deck.attached())
        right = [Part(f" TYPING INTO ALL {count} ", "alarm", "broadcast")]
    room = width - sum(cell_width(part.text) for part in right) - 1
    sizes = [sum(cell_width(part.text) for part in group) for group in groups]
    first = 0
    while first < deck.active and sum(sizes[first : deck.active + 1]) + bool(first) > room:
        first += 1
    more = [Part(glyphs(context.options.ascii).ellipsis, "dim")] if first else []
    return more + [part for group in groups[first:] for part in group], right


def _cut(text: str, ellipsis: str) -> str:
    return text if cell_width(text) <= NAME_CELLS else clip(text, NAME_CELLS - 1) + ellipsis


def _tab_parts(context: Context, deck: Deck, place: int) -> list[Part]:
    signs = glyphs(context.options.ascii)
    tab = deck.tabs[place]
    action = f"tab:{place}"
    role = "view.on" if place == deck.active else "view"
    if place in deck.shown and place != deck.active:
        role = "accent"
    if deck.broadcast and tab.session.attached:
        role = "alarm"
    parts = [Part(" ", "", action)]
    if place < len(DIGITS):
        parts.append(Part(f"{place + 1} ", "key", action))
    parts.append(Part(_cut(label(context, tab), signs.ellipsis), role, action))
    if context.consoles.keeps(tab.key, tab.device):
        parts.append(Part(signs.kept, "mark", action))
    if tab.rang:
        parts.append(Part("!", "bad", action))
    elif tab.news:
        parts.append(Part(signs.news, "warn", action))
    if (word := _STATES.get(tab.session.state)) is not None:
        parts.append(Part(f" {word}", "dim", action))
    return [*parts, Part(" ", "", action)]


_STATES = {
    ConsoleState.BUSY: "busy",
    ConsoleState.STOLEN: "taken",
    ConsoleState.ENDED: "off",
    ConsoleState.NO_DEVICE: "none",
    ConsoleState.NOT_A_PTY: "none",
    ConsoleState.FAILED: "failed",
}
"""What a tab says of a console that is not attached."""


def status_parts(
    context: Context, deck: Deck, news: Sequence[Part] = ()
) -> tuple[list[Part], list[Part]]:
    """The status line: which console, its state and place, ``news``; at the right the ways out."""
    tab, keymap = deck.tab, context.keymap
    session, view = tab.session, tab.view
    word, role = WORDS[session.state]
    left = [Part(" "), Part(label(context, tab), "title")]
    left += live_parts(view) or [Part(" "), Part(word, role)]
    if context.consoles.keeps(tab.key, tab.device):
        left.append(Part(" kept", "mark", "keep"))
    if len(context.store.hosts) > 1:
        left.append(Part(f" on {tab.key.host}", "dim"))
    left += news
    if view.behind or view.browsing:
        left.append(Part(f"  {view.behind} lines back", "warn", "bottom"))
        if not view.browsing:
            left.append(Part(" shift+PgDn: live", "", "bottom"))
    elif session.title:
        left.append(Part(f"  {session.title}", "dim"))
    if deck.broadcast:
        text = f" typing into all {len(deck.attached())}: {keymap.label(MENU)} ends it "
        return left, [Part(text, "alarm", "broadcast")]
    right = []
    for action, what in ((LEAVE, "leave"), (MENU, "menu")):
        right += [
            Part(keymap.labels(action), "key", what),
            Part(f" {what}", "", what),
            Part("  "),
        ]
    return left, right
