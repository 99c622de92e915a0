"""Splitting a command line into words as a shell does, with each word's place."""

from __future__ import annotations

from typing import NamedTuple


class Word(NamedTuple):
    """One word of a line."""

    text: str
    """Without quotes and backslashes."""
    start: int
    """Where it begins in the line, its quote included."""
    end: int
    quoted: bool
    """True when a quote or a backslash took something as it is: then it is never an option
    and never a pattern."""
    closed: bool
    """False while a quote is still open."""


def split(line: str) -> list[Word]:
    """Split a line; a quote that is still open takes the rest."""
    words: list[Word] = []
    place, size = 0, len(line)
    while place < size:
        if line[place].isspace():
            place += 1
            continue
        word = _word(line, place)
        words.append(word)
        place = word.end
    return words


def _word(line: str, start: int) -> Word:
    taken: list[str] = []
    quote = ""
    quoted = False
    place, size = start, len(line)
    while place < size:
        char = line[place]
        if quote:
            if char == quote:
                quote = ""
            elif char == "\\" and quote == '"' and line[place + 1 : place + 2] in ('"', "\\"):
                place += 1
                taken.append(line[place])
            else:
                taken.append(char)
        elif char in "\"'":
            quote = char
            quoted = True
        elif char == "\\" and place + 1 < size:
            place += 1
            quoted = True
            taken.append(line[place])
        elif char.isspace():
            break
        else:
            taken.append(char)
        place += 1
    return Word("".join(taken), start, place, quoted, not quote)


_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+:@%/=,-")


def quote(text: str) -> str:
    """Write a text so that ``split`` gives it back as one word, taken as it is."""
    if text and not text.startswith("-") and _PLAIN.issuperset(text):
        return text
    if "'" not in text:
        return f"'{text}'"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
