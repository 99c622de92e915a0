from __future__ import annotations

from tests.details_sample import CHANGES
from tuivm.core.changes import change_lines
from tuivm.core.model import XmlChange


def test_each_difference_names_its_place_and_both_values() -> None:
    lines = [text for text, _ in change_lines(CHANGES)]
    assert lines[:3] == [
        "~ memory",
        "    now         8388608 KiB",
        "    next start  16777216 KiB",
    ]
    assert "+ devices/interface[52:54:00:aa:bb:cc]" in lines
    assert "    now         not there" in lines


def test_what_the_next_start_leaves_out_is_marked() -> None:
    lines = change_lines([XmlChange("devices/disk[vdb]", "/x.img", "")])
    assert lines[0][0] == "- devices/disk[vdb]"
    assert lines[2][0] == "    next start  not there"


def test_a_value_of_several_lines_stays_in_its_column() -> None:
    lines = [text for text, _ in change_lines([XmlChange("metadata", "one\ntwo", "")])]
    assert lines[1:3] == ["    now         one", "                two"]


def test_parts_lie_within_their_lines() -> None:
    for text, spans in change_lines(CHANGES):
        assert all(0 <= span.start <= span.end <= len(text) for span in spans)
