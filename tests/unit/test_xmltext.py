from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from tuivm.core.xmltext import XmlLines


def parts(text: str) -> list[list[tuple[str, str]]]:
    lines = text.split("\n")
    xml = XmlLines(lines)
    return [
        [(line[span.start : span.end], span.role) for span in xml.spans(number)]
        for number, line in enumerate(lines)
    ]


def test_tags_attributes_values_and_text_are_told_apart() -> None:
    assert parts("<name id='7'>web &amp; db</name>") == [
        [
            ("<name", "xml.tag"),
            ("id", "xml.attr"),
            ("'7'", "xml.value"),
            (">", "xml.tag"),
            ("web &amp; db", "xml.text"),
            ("</name", "xml.tag"),
            (">", "xml.tag"),
        ]
    ]


def test_a_comment_and_a_tag_go_on_over_lines() -> None:
    comment, rest, tag = parts("<!-- one\ntwo --><disk\n  type='file'/>")
    assert comment == [("<!--", "xml.comment"), (" one", "xml.comment")]
    assert rest == [("two -->", "xml.comment"), ("<disk", "xml.tag")]
    assert tag == [("type", "xml.attr"), ("'file'", "xml.value"), ("/>", "xml.tag")]


def test_a_value_may_hold_what_looks_like_a_tag_end() -> None:
    (line,) = parts("<cmd arg='a>b'/>")
    assert ("'a>b'", "xml.value") in line


def test_lines_can_be_asked_for_in_any_order() -> None:
    lines = ["<!--", "in it", "-->", "<a/>"]
    xml = XmlLines(lines)
    assert [span.role for span in xml.spans(3)] == ["xml.tag", "xml.tag"]
    assert [span.role for span in xml.spans(1)] == ["xml.comment"]


@given(st.text(alphabet="<>!-/?[]'\"= \nab", max_size=200))
def test_any_text_is_split_without_overlap(text: str) -> None:
    lines = text.split("\n")
    xml = XmlLines(lines)
    for number, line in enumerate(lines):
        end = 0
        for span in xml.spans(number):
            assert end <= span.start <= span.end <= len(line)
            end = span.end


def test_five_thousand_lines_take_no_time() -> None:
    lines = ["    <disk type='file' device='disk' snapshot='external'>"] * 5000
    begun = time.process_time()
    XmlLines(lines).spans(4999)
    assert time.process_time() - begun < 0.5
