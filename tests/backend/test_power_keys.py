"""Key names as virsh spells them, and as people do."""

from __future__ import annotations

import pytest

from tuivm.backend.keycodes import KEYS, PRESETS, parse_keys
from tuivm.core.errors import TuivmError


@pytest.mark.parametrize(
    "text",
    [
        "ctrl-alt-del",
        "CTRL-ALT-DEL",
        "KEY_LEFTCTRL KEY_LEFTALT KEY_DELETE",
        "ctrl+alt+del",
        "ctrl, alt, delete",
        "29 56 111",
        "0x1d 0x38 0x6f",
    ],
)
def test_ctrl_alt_del_in_every_spelling(text: str) -> None:
    assert parse_keys(text) == (29, 56, 111)


def test_magic_sysrq() -> None:
    assert parse_keys("sysrq-s") == (56, 99, 31)


def test_a_digit_is_the_key_with_that_digit() -> None:
    assert parse_keys("alt 2") == (56, 3)
    assert parse_keys("KEY_2") == (3,)


def test_a_few_codes_as_in_linux() -> None:
    assert (KEYS["KEY_ESC"], KEYS["KEY_F12"], KEYS["KEY_COMPOSE"]) == (1, 88, 127)


def test_presets_name_known_keys() -> None:
    for names in PRESETS.values():
        assert all(name in KEYS for name in names)


@pytest.mark.parametrize("text", ["", "  ", "KEY_NOSUCH", "\x1b[2J", "a " * 17, "99999999"])
def test_what_is_no_key_is_refused_in_clean_words(text: str) -> None:
    with pytest.raises(TuivmError) as caught:
        parse_keys(text)
    assert str(caught.value).isprintable()
