"""Saved views: chosen, changed, kept from one run to the next, and never lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.samples import domain, store_of
from tuivm.core.arrangement import Arrangement
from tuivm.core.columns import BY_ID
from tuivm.core.errors import TuivmError
from tuivm.core.grouping import Grouping
from tuivm.core.model import State
from tuivm.core.query import QueryError
from tuivm.core.savedview import BUILT_IN, SavedView, name_problem
from tuivm.core.view import View
from tuivm.core.viewfile import ViewFile
from tuivm.core.views import ViewError, Views

COLUMNS = Arrangement(hidden=frozenset({"ip"}), widths={"name": 30}).moved("mem", -9, (*BY_ID,))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tuivm" / "views.json"


@pytest.fixture
def view() -> View:
    return View(
        store_of(
            domain("web-1"),
            domain("web-2", State.OFF),
            domain("db", State.PAUSED, reason="I/O error"),
        )
    )


def names(view: View) -> list[str]:
    return [view.row(index).domain.name for index in range(len(view))]


def test_the_views_that_come_with_it(path: Path, view: View) -> None:
    views = Views(path)
    assert [one.name for one in views.every()] == [*BUILT_IN] == [
        "all", "running", "faults", "busiest",
    ]  # fmt: skip
    views.switch("running", view)
    assert names(view) == ["web-1"]
    views.switch("faults", view)
    assert names(view) == ["db"]
    views.switch("busiest", view)
    assert (view.sort_column, view.descending) == ("cpu", True)
    views.switch("ALL", view)
    assert names(view) == ["db", "web-1", "web-2"]
    assert not path.exists()


def test_a_view_outlives_the_program(path: Path, view: View) -> None:
    views = Views(path)
    view.set_filter("web")
    view.set_sort("name", True)
    views.keep_columns(COLUMNS)
    view.set_grouping(Grouping.HOST)
    views.save("my webs", view)
    assert path.stat().st_mode & 0o777 == 0o600

    views, other = Views(path), View(store_of(domain("web-1"), domain("web-2"), domain("x")))
    assert views.problem is None
    assert views.columns == COLUMNS
    assert views.every()[-1] == SavedView(
        "my webs", "web", sort="name", descending=True, group=Grouping.HOST, columns=COLUMNS
    )
    views.switch("My Webs", other)
    assert names(other) == ["web-2", "web-1"]
    assert other.grouping is Grouping.HOST
    assert views.columns == COLUMNS


def test_what_changed_since_is_known(path: Path, view: View) -> None:
    views = Views(path)
    assert not views.changed(view)
    view.set_filter("web ")
    views.save("webs", view)
    assert not views.changed(view)
    view.set_sort("mem")
    assert views.changed(view)
    view.set_sort("name")
    assert not views.changed(view)
    view.set_faults_only(True)
    assert views.changed(view)
    view.set_faults_only(False)
    view.set_grouping(Grouping.TAG)
    assert views.changed(view)
    views.switch("webs", view)
    assert not views.changed(view)
    assert view.grouping is Grouping.NONE
    assert not view.faults_only
    assert not views.keep_columns(COLUMNS)
    assert views.changed(view)


def test_columns_are_the_lists_own_until_a_view_has_others(path: Path, view: View) -> None:
    views = Views(path)
    views.save("plain", view)
    views.switch("running", view)
    assert views.keep_columns(COLUMNS)
    assert not views.changed(view)
    assert Views(path).columns == COLUMNS
    views.switch("plain", view)
    assert views.columns == Arrangement()
    views.switch("all", view)
    assert views.columns == COLUMNS


def test_views_are_renamed_and_deleted(path: Path, view: View) -> None:
    views = Views(path)
    views.save("a", view)
    views.save("b", view)
    assert views.exists("a")
    with pytest.raises(ViewError, match="there is a view b"):
        views.rename("a", "b")
    views.rename("b", "c")
    assert views.current is not None
    assert views.current.name == "c"
    views.delete("c")
    assert views.current is None
    assert [one.name for one in Views(path).every() if not one.built_in] == ["a"]


@pytest.mark.parametrize("name", ["", "  ", "all", "faults", " a", "a\x1b", "x" * 41])
def test_names_that_no_view_can_have(path: Path, view: View, name: str) -> None:
    assert name_problem(name)
    with pytest.raises(ViewError):
        Views(path).save(name, view)
    assert not path.exists()


def test_a_slip_is_told(path: Path, view: View) -> None:
    with pytest.raises(ViewError, match="runing") as caught:
        Views(path).switch("runing", view)
    assert caught.value.hint == "did you mean running?"


def test_two_programs_lose_nothing_of_each_other(path: Path, view: View) -> None:
    one, other = Views(path), Views(path)
    assert len(one.every()) == len(other.every()) == len(BUILT_IN)
    one.save("a", view)
    other.keep_columns(COLUMNS)
    other.save("b", view)
    assert {saved.name for saved in Views(path).every()} >= {"a", "b"}
    one.delete("b")
    assert one.columns == Arrangement(), "what is on screen does not change by itself"
    assert Views(path).columns == COLUMNS


BROKEN = [
    b"{",
    b"[]",
    b"\xff\xfe",
    b'{"views": 1}',
    b'{"columns": {"order": "name"}}',
    b'{"columns": {"widths": {"name": true}}}',
    b'{"views": [{"name": "all"}]}',
    b'{"views": [{"name": "x", "filter": 1}]}',
    b'{"views": ["x"]}',
    b"[" * 100_000,
]


@pytest.mark.parametrize("data", BROKEN, ids=range(len(BROKEN)))
def test_a_broken_file_is_told_and_kept(path: Path, view: View, data: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(data)
    views = Views(path)
    assert len(views.every()) == len(BUILT_IN)
    assert views.problem is not None
    assert str(path) in views.problem.message
    assert ".bad" in views.problem.hint
    assert path.read_bytes() == data
    views.save("mine", view)
    assert path.with_name("views.json.bad").read_bytes() == data
    again = Views(path)
    assert again.problem is None
    assert again.every()[-1].name == "mine"
    path.write_bytes(b"{")
    again.save("mine", view)
    assert path.with_name("views.json.bad").read_bytes() == data
    assert path.with_name("views.json.bad2").read_bytes() == b"{"


def test_what_is_good_in_a_broken_file_is_used(path: Path) -> None:
    path.parent.mkdir()
    good = {"name": "good", "filter": "web", "sort": "of a later release", "group": "moon"}
    path.write_text(json.dumps({"views": [good, {"name": 7}, good], "columns": {"hidden": ["ip"]}}))
    views = Views(path)
    assert views.problem is not None
    assert "and 1 more" in views.problem.message
    assert views.find("good") == SavedView("good", "web", columns=Arrangement())
    assert views.columns.hidden == {"ip"}


def test_a_view_whose_filter_is_wrong_changes_nothing(path: Path, view: View) -> None:
    path.parent.mkdir()
    path.write_text('{"views": [{"name": "x", "filter": "cpu>much", "sort": "mem"}]}')
    views = Views(path)
    with pytest.raises(QueryError):
        views.switch("x", view)
    assert view.sort_column == "name"
    assert views.current is None


def test_a_link_to_the_file_stays_one(path: Path, view: View, tmp_path: Path) -> None:
    path.parent.mkdir()
    (tmp_path / "dotfiles").mkdir()
    path.symlink_to(tmp_path / "dotfiles" / "views.json")
    Views(path).save("a", view)
    assert path.is_symlink()
    assert ViewFile(tmp_path / "dotfiles" / "views.json").read().views["a"].name == "a"


def test_a_folder_that_cannot_be_written_says_so(path: Path, view: View) -> None:
    path.parent.parent.joinpath("tuivm").write_text("in the way")
    views = Views(path)
    with pytest.raises(TuivmError, match="Cannot save views"):
        views.keep_columns(COLUMNS)
    assert views.columns == COLUMNS, "they are shown all the same"
    with pytest.raises(TuivmError):
        views.save("a", view)
    assert views.current is None
