"""Which terminal core is taken, and what is said when the wished one cannot be had."""

from __future__ import annotations

import builtins
import sys
from typing import Any

import avt
import pyghostty
import pytest

from tuivm.core import avt as our_avt
from tuivm.core.avt import AvtCore
from tuivm.core.config import TERMINALS
from tuivm.core.cores import CORES, chosen, new_core
from tuivm.core.ghostty import GhosttyCore
from tuivm.core.model import DomainKey
from tuivm.core.sessions import Sessions
from tuivm.core.terminal import TerminalUnavailable


@pytest.fixture(autouse=True)
def _unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TUIVM_TERMINAL", raising=False)


def missing(monkeypatch: pytest.MonkeyPatch, *packages: str) -> None:
    """Let the packages be not installed."""
    real = builtins.__import__

    def refuse(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.split(".")[0] in packages:
            raise ImportError(name)
        return real(name, *args, **kwargs)

    for name in ("ghostty", "ghostty_cells", "ghostty_keys", "ghostty_text"):
        monkeypatch.delitem(sys.modules, f"tuivm.core.{name}", raising=False)
    for name in ("avt", "avt_rows", "avt_history", "avt_scan"):
        monkeypatch.delitem(sys.modules, f"tuivm.core.{name}", raising=False)
    monkeypatch.setattr(builtins, "__import__", refuse)


def test_every_choice_has_a_core() -> None:
    assert ("auto", *CORES) == TERMINALS


def test_ghostty_is_taken_first() -> None:
    assert isinstance(new_core(), GhosttyCore)


@pytest.mark.parametrize(("name", "kind"), [("ghostty", GhosttyCore), ("avt", AvtCore)])
def test_the_configuration_and_the_environment_choose(
    monkeypatch: pytest.MonkeyPatch, name: str, kind: type
) -> None:
    assert isinstance(new_core(configured=name), kind)
    monkeypatch.setenv("TUIVM_TERMINAL", name.upper())
    assert isinstance(new_core(configured="ghostty"), kind)
    assert isinstance(Sessions("ghostty")._make_core(10, "avt"), kind)


def test_the_environment_beats_the_configuration() -> None:
    assert chosen("ghostty", {"TUIVM_TERMINAL": "avt"}) == "avt"
    assert chosen("ghostty", {"TUIVM_TERMINAL": ""}) == "ghostty"
    with pytest.raises(TerminalUnavailable) as caught:
        chosen("avt", {"TUIVM_TERMINAL": "xterm\x1b[31m"})
    assert "TUIVM_TERMINAL" in caught.value.message
    assert "auto, ghostty, avt" in caught.value.hint
    assert str(caught.value).isprintable()


def test_a_domains_session_gets_the_configured_core() -> None:
    asked: list[tuple[int, str]] = []

    def make(scrollback: int, terminal: str) -> AvtCore:
        asked.append((scrollback, terminal))
        return AvtCore()

    sessions = Sessions("avt", make)
    sessions.get(DomainKey("here", "uuid"), 77)._make_core()
    assert asked == [(77, "avt")]
    sessions.close()


def test_avt_steps_in_where_ghostty_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    missing(monkeypatch, "pyghostty")
    assert type(new_core()).__name__ == "AvtCore"
    with pytest.raises(TerminalUnavailable, match="Cannot show") as caught:
        new_core(configured="ghostty")
    assert "pyghostty" in caught.value.message
    assert "TUIVM_TERMINAL=avt" in caught.value.hint


def test_avt_steps_in_where_ghostty_is_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyghostty, "__version__", "0.2.0")
    assert isinstance(new_core(), AvtCore)
    with pytest.raises(TerminalUnavailable) as caught:
        new_core(configured="ghostty")
    assert "0.1.3" in caught.value.message


def test_another_version_of_avt_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    our_avt.check_library.cache_clear()
    monkeypatch.setattr(avt, "__version__", "0.2.0")
    with pytest.raises(TerminalUnavailable) as caught:
        new_core(configured="avt")
    assert "0.1.2" in caught.value.message
    assert "0.1.2" in caught.value.hint
    our_avt.check_library.cache_clear()


def test_with_neither_both_reasons_and_a_way_out_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    missing(monkeypatch, "pyghostty", "avt")
    with pytest.raises(TerminalUnavailable) as caught:
        new_core()
    assert "pyghostty" in caught.value.message
    assert "pyavt" in caught.value.message
    assert "tuivm console" in caught.value.hint
