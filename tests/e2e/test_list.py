"""The list in a real terminal: it opens, filters, follows keys, and fits 80x24."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.conftest import Launch
from tests.e2e.terminal import Terminal, forbidden

HOSTILE_NAME = "a[b]'\"\\é"
"""libvirt refuses a slash in a name, in every driver that is here."""
HOSTILE_TITLE = (
    "a[/b] [bold]not markup[/] \u202egnp.exe\u2066 \u200b\u009d52;c;aGFja2Vk\u009c\x7f \x85 "
    + "long " * 800
)


def fleet(folder: Path, count: int) -> str:
    """A file for libvirt's in-process test driver; gives its URI."""
    domains = "".join(
        f"<domain type='test'><name>vm-{number:03d}</name><memory>1048576</memory>"
        "<os><type>hvm</type></os></domain>"
        for number in range(count)
    )
    hostile = (
        f"<domain type='test'><name>{HOSTILE_NAME}</name><title>{HOSTILE_TITLE.strip()}</title>"
        "<memory>1048576</memory><os><type>hvm</type></os></domain>"
    )
    path = folder / "fleet.xml"
    path.write_text(f"<node>{domains}{hostile}</node>", encoding="utf-8")
    return f"test://{path}"


def test_the_demo_opens_and_says_so(launch: Launch) -> None:
    tuivm = launch("--demo")
    tuivm.wait_for("web-01")
    assert "DEMO" in tuivm.lines[0]
    assert not tuivm.cursor_shown
    assert "alternate screen" in tuivm.modes()


def test_where_no_daemon_answers_the_demo_opens_and_says_why(launch: Launch) -> None:
    tuivm = launch()
    tuivm.wait_for("web-01")
    assert "DEMO" in tuivm.lines[0]
    tuivm.wait_for("no libvirt")


def test_eighteen_vms_fit_into_24_lines(launch: Launch, tmp_path: Path) -> None:
    tuivm = launch("-c", fleet(tmp_path, 50), size=(80, 24))
    tuivm.wait(
        lambda: sum("vm-" in line or HOSTILE_NAME in line for line in tuivm.lines) >= 18, "18 rows"
    )
    assert all(len(line) <= 80 for line in tuivm.lines)


def test_a_filter_narrows_the_list_as_one_types(launch: Launch, tmp_path: Path) -> None:
    tuivm = launch("-c", fleet(tmp_path, 50))
    tuivm.wait_for("vm-010")
    tuivm.press("/")
    tuivm.wait_for("state:running")
    tuivm.press("vm-04")
    tuivm.wait_for("10 shown")
    tuivm.press("enter")
    tuivm.wait_for("10 of 51 VMs")
    tuivm.press("escape")
    tuivm.wait_gone("10 of 51")


def test_keys_typed_ahead_go_to_the_prompt(launch: Launch, tmp_path: Path) -> None:
    """A fast typist, or a slow line, sends ``/`` and the words at once: none of them is a verb."""
    tuivm = launch("-c", fleet(tmp_path, 50))
    tuivm.wait_for("vm-010")
    tuivm.write(b"/vm-04\r")
    tuivm.wait_for("10 of 51 VMs")


def test_a_wrong_query_says_what_is_wrong_and_keeps_the_list(
    launch: Launch, tmp_path: Path
) -> None:
    tuivm = launch("-c", fleet(tmp_path, 50))
    tuivm.wait_for("vm-010")
    tuivm.press("/")
    tuivm.wait_for("state:running")
    tuivm.press("cpu>>")
    tuivm.wait_for("number")
    tuivm.press("escape")
    tuivm.wait_for("vm-010")


def test_the_size_may_change_at_any_time(launch: Launch, tmp_path: Path) -> None:
    tuivm = launch("-c", fleet(tmp_path, 50))
    tuivm.wait_for("vm-010")
    for columns, lines in ((200, 60), (40, 10), (20, 5), (120, 40)):
        tuivm.resize(columns, lines)
        tuivm.wait_quiet()
        assert tuivm.ended is None
    tuivm.wait_for("vm-030")


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
def test_hostile_names_and_titles_reach_the_terminal_clean(
    launch: Launch, tmp_path: Path, size: tuple[int, int]
) -> None:
    tuivm = launch("-c", fleet(tmp_path, 3), size=size)
    tuivm.wait_for(HOSTILE_NAME)
    for key in ("enter", "tab", "tab", "tab", "tab", "escape", "x", "escape", "P", "escape"):
        tuivm.press(key)
        tuivm.wait_quiet()
    for key in ("D", "escape", "U", "escape", "S", "n", "y", "escape", "?", "escape", "6"):
        tuivm.press(key)
        tuivm.wait_quiet()
    tuivm.press("ctrl+q")
    assert tuivm.wait_exit() == 0
    assert not forbidden(bytes(tuivm.raw))


def answer_bytes(tuivm: Terminal, key: str) -> int:
    """Bytes written from a key on until all is quiet."""
    before = len(tuivm.raw)
    tuivm.press(key)
    tuivm.wait(lambda: len(tuivm.raw) > before, "answer to a key", 20)
    tuivm.wait_quiet(1, 30)
    return len(tuivm.raw) - before


def test_a_slow_line_is_usable(launch: Launch, tmp_path: Path) -> None:
    """At 9600 baud a key's answer comes within seconds, and keys do not pile up."""
    tuivm = launch("-c", fleet(tmp_path, 50), bytes_per_second=960)
    tuivm.wait_for("vm-010", 30)
    tuivm.wait_quiet(1, 30)
    # With some of them a sample's numbers are written.
    assert min(answer_bytes(tuivm, "j") for _ in range(5)) < 1500
    tuivm.press("/")
    tuivm.wait_for("state:running", 30)
    tuivm.press("vm-049")
    tuivm.wait_for("1 shown", 30)
    tuivm.press("enter")
    tuivm.wait_for("1 of 51", 30)
    tuivm.press("q")
    assert tuivm.wait_exit(30) == 0
