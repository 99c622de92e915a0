"""A host is added through the form in a real terminal, and is there again at the next start."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.conftest import Launch
from tests.e2e.terminal import forbidden
from tests.e2e.test_list import fleet


def test_a_host_that_is_added_is_there_at_the_next_start(launch: Launch, tmp_path: Path) -> None:
    file = tmp_path / "config" / "tuivm" / "config.toml"
    file.parent.mkdir(parents=True)
    before = f'# my hosts\n[[hosts]]\nuri = "{fleet(tmp_path, 3)}"  # three\nname = "first"\n'
    file.write_text(before)
    tuivm = launch()
    tuivm.wait_for("vm-002")
    tuivm.press("4")
    tuivm.wait_for("1 host")
    # Typed ahead: the letters are the form's.
    tuivm.press("n", "test:///default")
    tuivm.wait_row("URI", "test:///default")
    tuivm.press("ctrl+t")
    tuivm.wait_for("it answers: test driver")
    tuivm.press("tab", "second", "tab", "prod", "enter")
    tuivm.wait_for("second: added, kept in ~/config/tuivm/config.toml")
    tuivm.wait_for("2 hosts · 2 up")
    tuivm.press("enter")
    tuivm.wait_for("host=second")
    tuivm.wait(lambda: tuivm.row("test "), "its VM")
    tuivm.press("ctrl+q")
    assert tuivm.wait_exit() == 0
    assert not forbidden(bytes(tuivm.raw))
    added = '\n[[hosts]]\nuri = "test:///default"\nname = "second"\ntags = ["prod"]\n'
    assert file.read_text() == before + added
    again = launch("--filter", "tag:prod")
    again.wait(lambda: again.row("test "), "its VM, by the tag of its host")
    assert "vm-002" not in again.text
    again.press("ctrl+q")
    assert again.wait_exit() == 0
