"""What a VM may be called, before libvirt is asked."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.samples import row
from tuivm.core.actions import ACTIONS
from tuivm.core.commands import parse
from tuivm.core.labels import RENAME
from tuivm.core.model import State
from tuivm.core.names import LONGEST, wrong_name


@pytest.mark.parametrize("name", ["web-02", "Web 2", "-web", "ünï", "a[b]", "7", "x" * LONGEST])
def test_names_that_libvirt_takes(name: str) -> None:
    assert wrong_name(name) == ""


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "missing"),
        ("  ", "missing"),
        (" web", "blank"),
        ("web\n", "blank"),
        ("a/b", "cannot hold a /"),
        ("..", "folder"),
        ("a\nb", "does not show"),
        ("a\x1b]52;c;x\x07", "does not show"),
        ("a\u202eb", "does not show"),
        ("a\ufffdb", "does not show"),
        (f"a{chr(0xDC80)}b", "does not show"),
        ("x" * (LONGEST + 1), "too long"),
        ("ü" * 124, "too long"),
    ],
)
def test_names_that_are_refused_with_the_reason(name: str, why: str) -> None:
    assert why in wrong_name(name)


def test_what_can_be_renamed() -> None:
    allowed = {state for state in State if RENAME.applies(row(state=state, id=None)) is None}
    assert allowed == {State.OFF, State.CRASHED, State.UNKNOWN}
    off: dict[str, Any] = {"state": State.OFF, "id": None}
    assert "while it is off" in (RENAME.applies(row()) or "")
    assert "transient" in (RENAME.applies(row(persistent=False, **off)) or "")
    assert "saved state" in (RENAME.applies(row(managed_save=True, **off)) or "")
    for one in (row(), row(**off)):
        assert ACTIONS["view.rename"].applies(one) == RENAME.applies(one)


@pytest.mark.parametrize(
    ("line", "words", "args"),
    [
        ("domrename web-01 web-02", ["web-01"], {"new-name": "web-02"}),
        ("rename web-01 'web 02'", ["web-01"], {"new-name": "web 02"}),
        ("rename web-01 --new-name=-x", ["web-01"], {"new-name": "-x"}),
        ("rename web-01", ["web-01"], {}),
        ("rename", [], {}),
    ],
)
def test_the_command_takes_what_virsh_takes(
    line: str, words: list[str], args: dict[str, str]
) -> None:
    found = parse(line)
    assert found is not None
    assert found.action_id == "view.rename"
    assert ([word.text for word in found.targets], found.args) == (words, args)


def test_virsh_does_the_same() -> None:
    one = row("web-01", State.OFF)
    assert RENAME.virsh(one, {"new-name": "web 02"}).endswith(" domrename web-01 'web 02'")
    assert RENAME.virsh(one, {"new-name": "-x"}).endswith(" domrename web-01 --new-name=-x")
