"""A paste loses nothing on a slow port, and can be broken off cleanly."""

from __future__ import annotations

from tuivm.core.keycodes import PASTE_END, PASTE_START
from tuivm.core.pasting import GAP, PIECE, Pasting, look

BAUD_BYTES = 11_520
"""Bytes that a port at 115200 baud takes in a second."""


def test_a_fifo_of_sixteen_bytes_never_overflows() -> None:
    data = bytes(33 + n % 90 for n in range(6000))
    paste, fifo, taken = Pasting(data), 0.0, b""
    while not paste.done:
        piece = paste.next()
        fifo += len(piece)
        assert fifo <= 16
        taken += piece
        fifo = max(0.0, fifo - BAUD_BYTES * GAP)
    assert taken == data
    assert paste.percent == 100


def test_breaking_off_ends_the_bracket_and_no_character_in_its_middle() -> None:
    plain = Pasting(("é" * 40).encode(), piece=15)
    sent = plain.next() + plain.stop()
    assert sent.decode() == "é" * 8
    assert plain.done
    assert plain.stop() == b""
    data = PASTE_START + b"x" * 40 + PASTE_END
    bracketed = Pasting(data)
    assert bracketed.next() + bracketed.stop() == data[:PIECE] + PASTE_END
    late = Pasting(data, piece=len(data) - 2)
    assert late.next() + late.stop() == data
    assert Pasting(data).stop() == b""


def test_what_is_asked_about_a_paste() -> None:
    assert look("one") == (1, 0, "one", 3)
    assert look("one\n") == (1, 1, "one", 3)
    assert look("\r\nrm -rf\rmuch longer") == (3, 2, "rm -rf", 11)
