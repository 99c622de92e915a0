"""The dialog for what a host asks before it lets us in."""

from __future__ import annotations

import re
from collections.abc import Iterable

from textual.app import ComposeResult
from textual.widgets import Static

from tuivm.core.question import Question, QuestionKind
from tuivm.screens.context import Context
from tuivm.screens.dialog import Dialog, key_parts
from tuivm.widgets.bars import Part
from tuivm.widgets.prompt import LineInput
from tuivm.widgets.roles import role_text

TITLES = {
    QuestionKind.HOST_KEY: "Trust this host?",
    QuestionKind.PASSPHRASE: "Passphrase",
    QuestionKind.PASSWORD: "Password",
    QuestionKind.USER: "User name",
    QuestionKind.CONFIRM: "Yes or no?",
}
COMPARE = (
    "Compare the fingerprint with the host's own, as its admin or its console tells it{how}. "
    "If it differs, somebody is in between."
)
KEPT = (
    "Kept in memory while the host is connected, nowhere else. "
    "Without an answer within a minute tuivm goes on without this host."
)


class AuthDialog(Dialog[str]):
    """Asks one question of one host; escape is "not now". A secret is not shown.

    A host's key is trusted by typing ``yes`` or its fingerprint, as with ssh: nothing that
    one may press by chance.
    """

    DEFAULT_CSS = """
    AuthDialog #text { width: 1fr; height: auto; max-height: 60vh; padding: 1 0; }
    AuthDialog #label { width: auto; height: 1; }
    AuthDialog #wrong { width: 1fr; height: 1; }
    """

    def __init__(self, context: Context, question: Question) -> None:
        super().__init__(context, f"{question.host}: {TITLES[question.kind]}")
        self.question = question

    @property
    def _wants_yes(self) -> bool:
        return self.question.kind in (QuestionKind.HOST_KEY, QuestionKind.CONFIRM)

    def compose_box(self) -> ComposeResult:
        """The question in ssh's or libvirt's words, and the line for the answer."""
        yield Static(role_text(self.app, self._text()), id="text", markup=False)
        label = "Type yes to trust it:" if self._wants_yes else TITLES[self.question.kind] + ":"
        if self.question.kind is QuestionKind.CONFIRM:
            label = "Type yes or no:"
        yield Static(role_text(self.app, [(label, "label")]), id="label", markup=False)
        entry = LineInput(password=self.question.kind.secret, compact=True, select_on_focus=False)
        entry.cursor_blink = False
        yield entry
        yield Static("", id="wrong", markup=False)

    def _text(self) -> list[tuple[str, str]]:
        """The parts of the text, with what matters in it stressed."""
        question = self.question
        parts = []
        if question.attempt > 1:
            parts.append(("The answer before was wrong.\n\n", "warn"))
        before, found, after = question.text, "", ""
        if question.fingerprint:
            before, found, after = question.text.partition(question.fingerprint)
        # What ssh wants to be typed is said below.
        after = after.partition("Are you sure")[0].rstrip()
        parts += [(before, ""), (found, "strong"), (after, "")]
        hint = _compare(before) if question.kind is QuestionKind.HOST_KEY else KEPT
        return [*parts, ("\n\n" + hint, "dim")]

    def on_mount(self) -> None:
        """Take the keys from the first moment on."""
        super().on_mount()
        self.set_focus(self.query_one(LineInput))

    def keys(self) -> Iterable[Part]:
        """What to press."""
        return key_parts(("enter", "answer", "enter"), ("esc", "not now", "escape"))

    def on_line_input_special(self, event: LineInput.Special) -> None:
        """Keys that the input leaves to others."""
        event.stop()
        if event.key == "escape":
            self.dismiss(None)
        else:
            self.key(event.key, None)

    def key(self, key: str, character: str | None) -> bool:
        """Enter answers."""
        if key != "enter":
            return False
        text = self.query_one(LineInput).value
        if self._wants_yes:
            self._agree(text.strip())
        elif text:
            self.dismiss(text)
        else:
            self._say("nothing is typed: esc goes on without an answer")
        return True

    def _agree(self, text: str) -> None:
        if text.lower() == "yes" or (text and text == self.question.fingerprint):
            self.dismiss("yes")
        elif text.lower() == "no":
            self.dismiss(None)
        else:
            self._say("type yes in full, or press esc")

    def _say(self, text: str) -> None:
        self.query_one("#wrong", Static).update(role_text(self.app, [(text, "warn")]))


def _compare(text: str) -> str:
    """How to find out whether a fingerprint is right; ``text`` names the key's type."""
    match = re.search(r"\b(ED25519|ECDSA|RSA) key fingerprint", text)
    file = f"/etc/ssh/ssh_host_{match[1].lower()}_key.pub" if match else ""
    return COMPARE.format(how=f" (ssh-keygen -lf {file})" if file else "")
