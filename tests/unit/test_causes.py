"""Causes are told the surest first, and what a console's last line means is read right."""

from __future__ import annotations

import pytest

from tuivm.core.causes import Cause, Cure, Surety, surest_first
from tuivm.core.consolesigns import Sign, read_sign
from tuivm.core.shutdown import console_cause
from tuivm.screens import whytext

BOOT = "[    0.000000] Linux version 6.1\r\n[    1.2] x\r\nStarting sshd...\r\n"


def cause(name: str, surety: Surety, *cures: Cure) -> Cause:
    return Cause(name, f"title of {name}", surety, f"evidence of {name}", cures)


def test_the_surest_cause_is_first_and_each_is_told_once() -> None:
    causes = [
        cause("a", Surety.POSSIBLE),
        cause("b", Surety.CERTAIN),
        cause("c", Surety.LIKELY),
        cause("b", Surety.POSSIBLE),
    ]
    assert [one.id for one in surest_first(causes)] == ["b", "c"]
    assert [one.id for one in surest_first([causes[0], causes[2]])] == ["c", "a"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", None),
        ("hello\r\n", None),
        ("SeaBIOS (version 1.16)\r\n\r\n", "firmware"),
        ("\x1b[2J\x1b[1;1HBooting from Hard Disk...\r\n", "firmware"),
        ("                GNU GRUB  version 2.06\r\n", "firmware"),
        ("grub rescue> ", "firmware"),
        (BOOT, "booting"),
        (BOOT + "\r\nlab login: ", "login"),
        (BOOT + "\r\nlab login: root\r\nroot@lab:~# ", "login"),
        (BOOT + "[    3.1] Kernel panic - not syncing: Attempted to kill init!\r\n", "panic"),
        (BOOT + "lab login: [   ] Stopping session.\r\nStopping sshd ...\r\n", "stopping"),
        (BOOT + "[  99.1] reboot: System halted\r\n", "halted"),
        ("[  99.1] reboot: System halted\r\n" + BOOT + "lab login: ", "login"),
    ],
)
def test_the_newest_line_that_says_something_decides(text: str, what: str | None) -> None:
    sign = read_sign(text)
    assert (sign.what if sign else None) == what


@pytest.mark.parametrize("what", ["firmware", "booting", "stopping", "login"])
def test_nothing_is_claimed_of_a_guest_that_was_not_asked(what: str) -> None:
    assert console_cause(Sign(what, "x"), None) is None
    assert console_cause(Sign(what, "x"), 30.0) is not None


def test_nobody_is_deaf_to_a_button_that_was_not_pressed() -> None:
    assert console_cause(Sign("login", "x"), 30.0, button=False) is None
    assert console_cause(Sign("stopping", "x"), 30.0, button=False) is not None


def test_a_panic_and_a_halt_are_told_in_any_case() -> None:
    for what in ("panic", "halted"):
        told = console_cause(Sign(what, "the line \x1b[31m"), None)
        assert told is not None
        assert told.surety is Surety.CERTAIN
        assert "the line" in told.evidence
        assert "\x1b" not in told.evidence


def test_each_way_has_a_key_of_its_own_and_is_told_once() -> None:
    force = Cure("Force off", "D", action_id="domain.destroy")
    edit = Cure("Edit", "e", action_id="domain.enable_acpi")
    other = Cure("Edit otherwise", "e", verb="x")
    hand = Cure("By hand", lines=("do it",))
    told, ways, _ = whytext.assign(
        [cause("a", Surety.CERTAIN, force, edit, hand), cause("b", Surety.LIKELY, force, other)],
        [force, Cure("Quit", "q", verb="quit")],
    )
    keys = [way.key for one in told for way in one.ways]
    assert keys[:3] == ["D", "e", ""]
    assert len(keys) == 4
    assert keys[3] not in ("", "e", "D")
    assert [way.cure.title for way in ways] == ["Quit"]
    assert ways[0].key not in whytext.TAKEN


def test_exact_lines_are_shown_whole_on_a_narrow_screen() -> None:
    line = "console=ttyS0 " + "x" * 200 + " acpi=off"
    assigned = whytext.assign([cause("a", Surety.CERTAIN, Cure("Do", lines=(line,)))], [])
    shown = whytext.lines(assigned, 80)
    joined = "".join(span.text.strip() for one in shown for span in one.spans)
    assert joined.count("x") >= 200
    assert all(sum(len(span.text) for span in one.spans) <= 80 for one in shown)
