"""Every key has a name, can be given to another action, and never to two."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuivm.core.actions import ACTIONS
from tuivm.core.cheatsheet import command_of, markdown, plain
from tuivm.core.config import Config, ConfigError
from tuivm.core.fields import FIELDS
from tuivm.core.keymap import Keymap
from tuivm.core.keys import key_id, key_label
from tuivm.core.logfilter import LOG_FIELDS


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("j", "j"),
        ("G", "G"),
        ("/", "slash"),
        ("slash", "slash"),
        ("?", "question_mark"),
        (":", "colon"),
        ("<", "less_than_sign"),
        ("less_than_sign", "less_than_sign"),
        ("\\", "backslash"),
        ("*", "asterisk"),
        ("+", "plus"),
        ("-", "minus"),
        ("minus", "minus"),
        ("_", "underscore"),
        ("@", "at"),
        (" ", "space"),
        ("space", "space"),
        ("Esc", "escape"),
        ("PgUp", "pageup"),
        ("F5", "f5"),
        ("ctrl+r", "ctrl+r"),
        ("Ctrl+R", "ctrl+r"),
        ("^r", "ctrl+r"),
        ("^]", "ctrl+right_square_bracket"),
        ("ctrl+]", "ctrl+right_square_bracket"),
        ("ctrl++", "ctrl+plus"),
        ("shift+ctrl+left", "ctrl+shift+left"),
        ("shift+tab", "shift+tab"),
        ("é", "é"),
        ("full_stop", "full_stop"),
    ],
)
def test_keys_are_understood_as_people_write_them(written: str, name: str) -> None:
    assert key_id(written) == name


@pytest.mark.parametrize("written", ["", "f99", "hyper-space", "ctlr+x", "ctrl+", "xx", "\x01"])
def test_what_is_no_key(written: str) -> None:
    assert key_id(written) is None


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("slash", "/"),
        ("G", "G"),
        ("escape", "esc"),
        ("enter", "enter"),
        ("space", "space"),
        ("pageup", "PgUp"),
        ("ctrl+right_square_bracket", "ctrl+]"),
        ("ctrl+pagedown", "ctrl+PgDn"),
        ("less_than_sign", "<"),
        ("no_such_thing", "no_such_thing"),
    ],
)
def test_keys_are_shown_as_people_write_them(name: str, label: str) -> None:
    assert key_label(name) == label


@given(st.sampled_from(string.ascii_letters + string.digits + string.punctuation))
def test_a_label_names_its_key(char: str) -> None:
    name = key_id(char)
    assert name is not None
    assert key_label(name) == char
    assert key_id(key_label(name)) == name


@given(st.text(string.printable, max_size=12))
def test_a_name_of_a_key_names_the_same_key(text: str) -> None:
    name = key_id(text)
    assert name is None or key_id(name) == name


@given(st.text(max_size=12))
def test_any_text_is_a_key_or_none(text: str) -> None:
    assert key_id(text) != ""


# -- the keymap -------------------------------------------------------------------------------


def keymap(console_leave: str = "ctrl+right_square_bracket", **keys: tuple[str, ...]) -> Keymap:
    given_keys = {name.replace("__", "."): value for name, value in keys.items()}
    return Keymap.load(Config(keys=given_keys, console_leave=console_leave))


def test_the_lists_own_keys_hide_no_verb() -> None:
    used = {scope: set[str]() for scope in ("app", "list")}
    for action in ACTIONS.values():
        if action.scope in used:
            used[action.scope] |= {*action.keys}
    assert not used["app"] & used["list"]


def test_the_defaults_clash_nowhere() -> None:
    assert keymap().clashes == ()


@pytest.mark.parametrize(
    ("key", "action"),
    [
        ("j", "nav.down"), ("G", "nav.last"), ("enter", "view.details"), ("escape", "nav.back"),
        ("slash", "app.filter"), ("colon", "app.command"), ("question_mark", "app.help"),
        ("ctrl+p", "app.palette"), ("1", "view.vms"), ("4", "view.hosts"), ("6", "view.events"),
        ("s", "domain.start"), ("S", "domain.shutdown"), ("R", "domain.reboot"),
        ("P", "view.power"), ("p", "domain.pause_toggle"), ("D", "domain.destroy"),
        ("U", "domain.undefine"), ("c", "view.console"), ("B", "view.console_boot"),
        ("x", "view.xml"), ("a", "domain.autostart"), ("l", "view.log"), ("y", "view.copy"),
        ("ctrl+r", "app.resync"), ("ctrl+l", "app.redraw"), ("ctrl+z", "app.suspend"),
        ("q", "app.close"), ("ctrl+q", "app.quit"), ("ctrl+d", "nav.half_down"),
    ],
)  # fmt: skip
def test_the_designs_keys_work_everywhere(key: str, action: str) -> None:
    assert keymap().action_for(key) == action
    assert keymap().action_for(key, "list") == action


@pytest.mark.parametrize("key", ["2", "3", "e", "t", "n", "C", "M", "A", "v"])
def test_keys_of_later_releases_are_not_taken(key: str) -> None:
    assert keymap().action_for(key, "list") is None


def test_a_screens_own_keys_come_before_everywheres() -> None:
    assert keymap().action_for("slash", "text") == "text.search"
    assert keymap().action_for("space", "list") == "list.mark"
    assert keymap().action_for("space") is None
    assert keymap().action_for("j", "no such screen") == "nav.down"


def test_a_console_leaves_every_key_but_one_to_the_guest() -> None:
    keys = keymap()
    assert keys.action_for("ctrl+right_square_bracket", "console") == "console.leave"
    assert keys.action_for("ctrl+5", "console") == "console.leave"
    for key in ("ctrl+q", "q", "ctrl+p", "escape", "colon"):
        assert keys.action_for(key, "console") is None


def test_the_consoles_key_comes_from_its_own_setting() -> None:
    keys = keymap(console_leave="f11")
    assert keys.keys_for("console.leave") == ("f11",)
    assert keys.action_for("ctrl+5", "console") is None


def test_rebinding_takes_the_key_from_whoever_had_it() -> None:
    keys = keymap(domain__destroy=("s", "f9"))
    assert keys.action_for("s") == "domain.destroy"
    assert keys.action_for("f9") == "domain.destroy"
    assert keys.action_for("D") is None
    assert keys.keys_for("domain.start") == ()
    assert keys.label("domain.start") == ""
    assert keys.clashes == ()
    assert keys.labels("domain.destroy") == "s f9"
    assert keys.label("domain.destroy") == "s"


def test_a_key_can_be_taken_away() -> None:
    assert keymap(domain__undefine=()).action_for("U") is None


def test_two_rebindings_on_one_key_are_reported() -> None:
    keys = keymap(domain__start=("z",), domain__destroy=("z",))
    (clash,) = keys.clashes
    assert clash == ("z", "app", ("domain.start", "domain.destroy"))
    assert keys.action_for("z") == "domain.start"
    assert "Two actions want z" in plain(keys)


def test_a_screens_key_is_free_in_other_scopes() -> None:
    keys = keymap(text__flip=("s",))
    assert keys.action_for("s") == "domain.start"
    assert keys.action_for("s", "text") == "text.flip"


@pytest.mark.parametrize(
    ("action", "hint"), [("domain.strat", "did you mean domain.start?"), ("xyzzy", "tuivm keys")]
)
def test_an_action_that_is_none_is_explained(action: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Keymap.load(Config(keys={action: ("x",)}))
    assert action in caught.value.message
    assert hint in caught.value.hint


def test_unknown_actions_have_no_keys() -> None:
    assert keymap().keys_for("no.such") == ()


# -- the cheat sheet --------------------------------------------------------------------------


def test_the_cheat_sheet_has_every_action_and_field() -> None:
    for sheet in (plain(keymap()), markdown(keymap())):
        for action in ACTIONS.values():
            assert action.help.removesuffix(".") in sheet, action.id
            assert any(mark in sheet for mark in (f"[{action.id}]", f"`{action.id}`")), action.id
        helps = {name: field.help for name, field in FIELDS.items()}
        for name, text in [*helps.items(), *((n, f.help) for n, f in LOG_FIELDS.items())]:
            assert name in sheet
            assert text in sheet


def test_the_cheat_sheet_shows_rebound_keys_and_commands() -> None:
    sheet = plain(keymap(domain__destroy=("f9",)))
    (line,) = [line for line in sheet.splitlines() if "Pull the plug" in line]
    assert line.split()[:2] == ["f9", ":destroy"]
    assert line.endswith("(asks in a dialog) [domain.destroy]")
    assert command_of(ACTIONS["domain.boot_fresh"]) == ":start --force-boot"
    assert command_of(ACTIONS["nav.down"]) == ""


def test_markdown_tables_are_whole() -> None:
    for line in markdown(keymap()).splitlines():
        if line.startswith("|"):
            assert line.replace("\\|", "").count("|") in (3, 5)
