# ruff: noqa: RUF001 - the dash is what is shown
"""No text of a stranger harms the terminal, and every text takes the room it is given."""

from __future__ import annotations

import time
from unicodedata import bidirectional, category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuivm.core.text import (
    ELLIPSIS,
    REPLACEMENT,
    bytes_text,
    cell_width,
    clip,
    duration_text,
    fit,
    fit_ends,
    natural_key,
    pair_text,
    rate_text,
    sanitise,
    sanitise_block,
    took_text,
    uptime_text,
)

# Everything, surrogates included: Python strings can hold what libvirt never should send.
ANYTHING = st.text(st.characters(codec=None, exclude_categories=()), max_size=200)
NASTY = st.text(
    st.sampled_from(
        "a\x00\x07\x1b\x7f\x80\x9b\u200b\u200d\u202e\u2066\u2028\ufeff\ufe0f\u0301\t\n日\ud800"
    ),
    max_size=60,
)
BIDI_CONTROLS = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI", "B", "S"}


def assert_harmless(text: str) -> None:
    for char in text:
        assert category(char) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}, ascii(char)
        assert bidirectional(char) not in BIDI_CONTROLS, ascii(char)
    assert text.isprintable()


@given(ANYTHING | NASTY, st.integers(1, 80))
def test_a_sanitised_text_is_harmless_bounded_and_final(text: str, limit: int) -> None:
    result = sanitise(text, limit)
    assert_harmless(result)
    assert len(result) <= limit
    assert sanitise(result, limit) == result


@given(ANYTHING | NASTY, st.integers(1, 80))
def test_a_sanitised_block_is_harmless_but_for_its_line_breaks(text: str, limit: int) -> None:
    result = sanitise_block(text, limit)
    for line in result.split("\n"):
        assert_harmless(line)
    assert len(result) <= limit
    assert sanitise_block(result, limit) == result


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=100))
def test_plain_ascii_stays_as_it_is(text: str) -> None:
    assert sanitise(text) is text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("größter 日本語 сервер", "größter 日本語 сервер"),
        ("e\u0301te\u0301", "e\u0301te\u0301"),
        ("a[/b]", "a[/b]"),
        ("x\x1b]52;c;aGk=\x07y", f"x{REPLACEMENT}]52;c;aGk={REPLACEMENT}y"),
        ("user\u202egpj.exe", f"user{REPLACEMENT}gpj.exe"),
        ("two\nlines\tand\u00a0more", "two lines and more"),
        ("❤\ufe0f", "❤"),
        ("\u3164\u2800\u034f", REPLACEMENT * 3),
    ],
)
def test_what_a_text_becomes(text: str, shown: str) -> None:
    assert sanitise(text) == shown


def test_a_long_text_is_cut_with_a_sign() -> None:
    assert sanitise("x" * 4000, 100) == "x" * 99 + ELLIPSIS
    assert sanitise("x" * 100, 100) == "x" * 100
    assert sanitise("\ufe0f" * 4000 + "end", 10) == ELLIPSIS
    assert sanitise("é" * 11, 10) == "é" * 9 + ELLIPSIS


def test_heaped_combining_marks_are_thinned() -> None:
    heaped = "Z" + "\u0335\u0322\u0301\u0300\u0302" * 100 + "a"
    assert sanitise(heaped) == "Z\u0335\u0322\u0301\u0300a"
    assert sanitise("─│┌┐└┘├┤┬┴┼") == "─│┌┐└┘├┤┬┴┼"


def test_a_block_keeps_lines_and_expands_tabs() -> None:
    assert sanitise_block("a\tb\r\nc\rd\x1be") == f"a       b\nc\nd{REPLACEMENT}e"
    assert sanitise_block("x\ny\n" * 10, 8) == "x\ny\nx\ny" + ELLIPSIS


def test_a_hostile_megabyte_takes_no_time() -> None:
    started = time.process_time()
    sanitise("\u202e\u0301\x1b日" * 300_000)
    sanitise_block("\u0301" * (1 << 20))
    assert time.process_time() - started < 3


@given(ANYTHING | NASTY, st.integers(0, 40), st.sampled_from(["left", "right", "centre"]))
def test_a_fitted_text_takes_exactly_its_width(text: str, width: int, align: str) -> None:
    result = fit(sanitise(text), width, align)  # type: ignore[arg-type]
    assert cell_width(result) == width


@given(st.text("a日e\u0301😀"), st.integers(0, 20))
def test_a_clipped_text_is_a_beginning_that_fits(text: str, width: int) -> None:
    result = clip(text, width)
    assert text.startswith(result)
    assert cell_width(result) <= width


def test_fitting() -> None:
    assert fit("日本語", 4) == "日… "
    assert fit("日本語", 5) == "日本…"
    assert fit("ab", 4, "right") == "  ab"
    assert fit("ab", 5, "centre") == " ab  "
    assert fit("abcdef", 4, ellipsis="~") == "abc~"
    assert fit("abcdef", 1) == ELLIPSIS
    assert fit("abcdef", 1, ellipsis="...") == "."


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (None, "–"),
        (-1, "–"),
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (10 << 20, "10 MiB"),
        (1023.9 * (1 << 20), "1.0 GiB"),
        (9.96 * (1 << 30), "10 GiB"),
        (1 << 90, "1073741824 EiB"),
    ],
)
def test_bytes(count: float | None, text: str) -> None:
    assert bytes_text(count) == text


@pytest.mark.parametrize(
    ("used", "maximum", "text"),
    [
        (1.2 * (1 << 30), 4 << 30, "1.2/4.0 GiB"),
        (100 << 20, 192 << 20, "100/192 MiB"),
        (None, 4 << 30, "–/4.0 GiB"),
        (1 << 30, None, "1.0 GiB"),
        (None, None, "–"),
        (12 << 30, 128 << 30, "12/128 GiB"),
    ],
)
def test_pairs_share_a_unit(used: float | None, maximum: float | None, text: str) -> None:
    assert pair_text(used, maximum) == text


@given(st.integers(0, 1 << 50), st.integers(0, 1 << 50))
def test_pairs_fit_the_memory_column(used: int, maximum: int) -> None:
    assert len(pair_text(min(used, maximum), maximum)) <= 11


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (None, "–"),
        (0, "0"),
        (0.4, "0"),
        (812, "812B/s"),
        (831488, "812k/s"),
        (3.1 * 2**20, "3.1M/s"),
    ],
)
def test_rates(rate: float | None, text: str) -> None:
    assert rate_text(rate) == text
    assert len(rate_text(rate)) <= 6


@pytest.mark.parametrize(
    ("seconds", "text", "live"),
    [
        (None, "–", "–"),
        (-5, "–", "–"),
        (0, "0s", "0s"),
        (45.9, "45s", "45s"),
        (725, "12m05s", "12m"),
        (18420, "5h07m", "5h07m"),
        (273600, "3d04h", "3d04h"),
        (412 * 86400, "412d", "412d"),
    ],
)
def test_durations(seconds: float | None, text: str, live: str) -> None:
    assert duration_text(seconds) == text
    assert uptime_text(seconds) == live


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"), (0.0, "0ms"), (0.0123, "12ms"), (0.9996, "1.0s"), (4.21, "4.2s"),
        (59.96, "59s"), (60.0, "1m00s"), (725.0, "12m05s"), (86399.0, "23h59m"),
    ],
)  # fmt: skip
def test_how_long_things_took_in_six_cells(seconds: float | None, text: str) -> None:
    assert took_text(seconds) == text
    assert len(text) <= 6


def test_names_sort_as_people_count() -> None:
    names = ["web-10", "Web-2", "web-1", "web-002", "db", "10", "9", "web", "Ärger", "é"]
    assert sorted(names, key=natural_key) == [
        "9", "10", "db", "web", "web-1", "Web-2", "web-002", "web-10", "Ärger", "é",
    ]  # fmt: skip


@given(st.text(max_size=20), st.text(max_size=20))
def test_different_names_never_share_a_sort_key(first: str, second: str) -> None:
    assert (natural_key(first) == natural_key(second)) == (first == second)


def test_a_name_that_is_cut_keeps_its_end() -> None:
    assert fit_ends("kv01", 6) == "kv01  "
    assert fit_ends("hypervisor-01", 6) == "h…r-01"
    assert fit_ends("hypervisor-01", 10, "~") == "hyp~sor-01"
    for width in range(12):
        for name in ("hypervisor-01", "主机-東京-01", "e\u0301" * 9, ""):
            assert cell_width(fit_ends(name, width)) == width
