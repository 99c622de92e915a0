"""The dialog for what may lose a guest's state (confirm level 2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.app import ComposeResult
from textual.widgets import Static

from tuivm.core.text import fit
from tuivm.screens.context import Context
from tuivm.screens.dialog import Dialog
from tuivm.widgets.bars import Part
from tuivm.widgets.roles import role_text

LISTED = 10
"""Targets that are named one by one; the rest are counted."""


class ConfirmDialog(Dialog[bool]):
    """Names the targets and what will happen. Enter alone does nothing; ``y`` does it."""

    DEFAULT_CSS = """
    ConfirmDialog #text { width: 1fr; height: auto; padding: 1 1; }
    """

    def __init__(
        self,
        context: Context,
        title: str,
        consequence: str,
        targets: Sequence[str],
        verb: str,
    ) -> None:
        super().__init__(context, title)
        self._consequence = consequence
        self._targets = targets
        self._verb = verb
        self._armed = False
        self._hinted = False

    def compose_box(self) -> ComposeResult:
        """The consequence and the targets."""
        parts = [(self._consequence + "\n", "")]
        for name in self._targets[:LISTED]:
            parts += [("\n  " + ("* " if self.context.options.ascii else "• "), "dim")]
            parts += [(fit(name, 66).rstrip(), "strong")]
        if len(self._targets) > LISTED:
            parts.append((f"\n  and {len(self._targets) - LISTED} more", "dim"))
        yield Static(role_text(self.app, parts), id="text", markup=False)

    def keys(self) -> Iterable[Part]:
        """Both buttons; the one that enter would press is in brackets."""
        cancel, go = "Cancel", self._verb
        no = Part(f"[{cancel}]" if not self._armed else f" {cancel} ", "selected", "escape")
        yes = Part(f"[{go}]" if self._armed else f" {go} ", "bad" if self._armed else "", "y")
        hint = (
            "  enter alone does nothing: press y or esc" if self._hinted else "  tab: other button"
        )
        return [
            Part("esc ", "key", "escape"),
            no,
            Part("    "),
            Part("y ", "key", "y"),
            yes,
            Part(hint, "warn" if self._hinted else "dim"),
        ]

    def key(self, key: str, character: str | None) -> bool:
        """``y`` runs it, ``n`` and ``q`` leave; enter only on the button reached by tab."""
        if character in ("y", "Y"):
            self.dismiss(True)
        elif character in ("n", "N", "q"):
            self.dismiss(False)
        elif key in ("tab", "shift+tab", "left", "right"):
            self._armed = not self._armed
            self._hinted = False
            self.refresh_keys()
        elif key == "enter":
            if self._armed:
                self.dismiss(True)
            else:
                self._hinted = True
                self.refresh_keys()
        else:
            return False
        return True


class CountDialog(ConfirmDialog):
    """For more targets than one reads through: their number has to be typed."""

    DIGITS = 7

    def __init__(
        self,
        context: Context,
        title: str,
        consequence: str,
        targets: Sequence[str],
        verb: str,
    ) -> None:
        super().__init__(context, title, consequence, targets, verb)
        self._typed = ""
        self._wrong = False

    def keys(self) -> Iterable[Part]:
        """What is typed so far, and what is missing."""
        go = self._typed == str(len(self._targets))
        parts = [
            Part("type "),
            Part(str(len(self._targets)), "strong"),
            Part(f" to {self._verb.lower()}: "),
            Part(f"{self._typed}_ ", "bad" if go else "accent"),
        ]
        if go:
            parts += [Part("  enter ", "key", "enter"), Part(self._verb, "", "enter")]
        elif self._wrong:
            parts.append(Part("  that is not their number", "warn"))
        return [*parts, Part("   "), Part("esc ", "key", "escape"), Part("Cancel", "", "escape")]

    def key(self, key: str, character: str | None) -> bool:
        """Digits are typed, enter runs it once they are the number; nothing else does."""
        if character is not None and character in "0123456789":
            self._typed = (self._typed + character)[: self.DIGITS]
            self._wrong = False
        elif key == "backspace":
            self._typed, self._wrong = self._typed[:-1], False
        elif key == "ctrl+u":
            self._typed, self._wrong = "", False
        elif key == "enter":
            if self._typed == str(len(self._targets)):
                self.dismiss(True)
                return True
            self._wrong = True
        else:
            return False
        self.refresh_keys()
        return True
