"""Colours for XML without a lexer library: which part of which line is a tag, a value, a comment.

Works line by line and only as far down as somebody looks, so that a document of any
length opens at once. Parts are named by roles, never by colours.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

HIDDEN = "*** hidden ***"
"""Stands in XML where a password or another secret was."""


class Span(NamedTuple):
    """A stretch of a line and what it is."""

    start: int
    """First character, from 0."""
    end: int
    """One past the last character."""
    role: str
    """``xml.tag``, ``xml.attr``, ``xml.value``, ``xml.text``, ``xml.hidden`` or
    ``xml.comment``."""


_TEXT, _TAG, _COMMENT, _CDATA, _PROLOGUE = "", ">", "-->", "]]>", "?>"
"""What a line may begin inside of, named by what ends it; ``_TEXT`` is nothing."""
_OPENERS = (("<!--", _COMMENT), ("<![CDATA[", _CDATA), ("<?", _PROLOGUE))
_ROLES = {_COMMENT: "xml.comment", _CDATA: "xml.value", _PROLOGUE: "xml.comment"}
_NAME = re.compile(r"</?[^\s/>=\"']*")
_IN_TAG = re.compile(
    r"(?P<close>/?>)|(?P<attr>[^\s=/>\"']+)|(?P<value>\"[^\"]*\"?|'[^']*'?)|.", re.S
)


class XmlLines:
    """Highlights the lines of one document, each at most once in order."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self._states: list[str] = [_TEXT]

    def spans(self, index: int) -> tuple[Span, ...]:
        """Return what the parts of line ``index`` are; text between them has no role."""
        while len(self._states) <= index:
            line = len(self._states) - 1
            self._states.append(_scan(self._lines[line], self._states[line])[1])
        spans, after = _scan(self._lines[index], self._states[index])
        if len(self._states) == index + 1:
            self._states.append(after)
        return tuple(spans)


def _scan(line: str, state: str) -> tuple[list[Span], str]:
    """Split one line that begins inside ``state``; return its spans and the state after it.

    A quoted value that runs over a line's end is taken as ended there: libvirt escapes
    line breaks in attributes, and a wrong colour is all that another writer would get.
    """
    spans: list[Span] = []
    at, end = 0, len(line)
    while at < end:
        if state == _TEXT:
            at, state = _text(line, at, spans)
        elif state == _TAG:
            at, state = _tag(line, at, spans)
        else:
            stop = line.find(state, at)
            until = end if stop < 0 else stop + len(state)
            spans.append(Span(at, until, _ROLES[state]))
            at, state = until, state if stop < 0 else _TEXT
    return spans, state


def _text(line: str, at: int, spans: list[Span]) -> tuple[int, str]:
    """Take text up to the next markup, and the markup's opening."""
    start = line.find("<", at)
    until = len(line) if start < 0 else start
    if line[at:until].strip():
        spans.append(Span(at, until, "xml.hidden" if HIDDEN in line[at:until] else "xml.text"))
    if start < 0:
        return until, _TEXT
    for opener, state in _OPENERS:
        if line.startswith(opener, start):
            spans.append(Span(start, start + len(opener), _ROLES[state]))
            return start + len(opener), state
    match = _NAME.match(line, start)
    stop = match.end() if match else start + 1
    spans.append(Span(start, stop, "xml.tag"))
    return stop, _TAG


def _tag(line: str, at: int, spans: list[Span]) -> tuple[int, str]:
    """Take attributes up to the tag's end."""
    for match in _IN_TAG.finditer(line, at):
        kind = match.lastgroup
        if kind == "close":
            spans.append(Span(match.start(), match.end(), "xml.tag"))
            return match.end(), _TEXT
        if kind in ("attr", "value"):
            role = "hidden" if HIDDEN in match[0] else kind
            spans.append(Span(match.start(), match.end(), f"xml.{role}"))
    return len(line), _TAG
