"""The XML and Log tabs: modes, search, selection, copying, following."""

from __future__ import annotations

import time

import pytest

from tests.details_sample import CHANGES, DETAILS, DETAILS_OFF, KEY, LIVE, OFF
from tests.ui.details_fake import LOG, DetailsBackend, opened
from tests.ui.screens import Ui
from tuivm.core.api import Batch
from tuivm.core.errors import TuivmError
from tuivm.core.model import DomainXml, LogEntry, QemuLog, Severity
from tuivm.widgets.textview import TextView


def text_of(ui: Ui) -> TextView:
    return ui.app.screen.query(TextView).last()


async def test_live_and_next_start_are_one_key_apart() -> None:
    async with opened(DetailsBackend(), tab="xml") as ui:
        await ui.sees("XML as it runs now")
        assert "cache='none'" in ui.frame()
        await ui.press("i")
        await ui.sees("XML of the next start")
        assert "cache='writeback'" in ui.frame()
        await ui.press("i")
        await ui.sees("cache='none'")


async def test_differences_are_readable() -> None:
    async with opened(DetailsBackend(), (120, 40), tab="xml") as ui:
        await ui.press("d")
        await ui.sees("~ devices/disk[vda]/driver/@cache")
        frame = ui.frame()
        assert "now         none" in frame
        assert "next start  writeback" in frame
        assert "+ devices/interface[52:54:00:aa:bb:cc]" in frame
        await ui.press("d")
        await ui.sees("XML as it runs now")


async def test_no_difference_is_explained() -> None:
    backend = DetailsBackend()
    backend.reading = DETAILS._replace(xml=DomainXml(LIVE, LIVE, ()))
    async with opened(backend, tab="xml") as ui:
        await ui.press("d")
        await ui.sees("No difference: the next start uses what runs now.")


async def test_a_domain_that_is_off_has_one_form_and_says_so() -> None:
    backend = DetailsBackend(OFF)
    backend.reading = DETAILS_OFF
    async with opened(backend, tab="xml") as ui:
        await ui.sees("XML of the next start (it is off)")
        await ui.press("i")
        await ui.sees("It is off: there is only the XML of its next start.")
        await ui.press("d")
        await ui.sees("What the next start changes")
        await ui.sees("It is off: there is only the XML of its next start.")


async def test_a_transient_domain_has_no_next_start() -> None:
    backend = DetailsBackend()
    backend.reading = DETAILS._replace(xml=DomainXml(LIVE, None, ()))
    async with opened(backend, tab="xml") as ui:
        await ui.sees("XML as it runs now")
        await ui.press("i")
        await ui.sees("It is transient")


async def test_hidden_secrets_are_said() -> None:
    async with opened(DetailsBackend(), tab="xml") as ui:
        await ui.sees("1 secret hidden")
        assert "*** hidden ***" in ui.frame()


async def test_search_finds_counts_and_steps() -> None:
    async with opened(DetailsBackend(), tab="xml") as ui:
        await ui.press("slash")
        await ui.type("memory")
        await ui.sees("1/4")
        await ui.press("enter")
        await ui.press("n")
        await ui.sees("2/4")
        await ui.press("N", "N")
        await ui.sees("4/4")
        await ui.press("escape")
        await ui.until(lambda: "4/4" not in ui.frame())
        await ui.sees("XML as it runs now")


async def test_search_without_a_match_says_so() -> None:
    async with opened(DetailsBackend(), tab="xml") as ui:
        await ui.press("slash")
        await ui.type("nowhere")
        await ui.sees("no match")
        await ui.press("enter", "n")
        await ui.sees("no match for nowhere")


async def test_the_whole_xml_is_copied_and_its_size_is_said() -> None:
    async with opened(DetailsBackend(), tab="xml") as ui:
        await ui.sees("<name>web-01</name>")
        await ui.press("y")
        assert ui.app.clipboard == LIVE.rstrip("\n")
        await ui.sees(f"copied XML as it runs now: {len(LIVE) - 1} B")


async def test_selected_lines_are_copied() -> None:
    async with opened(DetailsBackend(), tab="xml") as ui:
        await ui.sees("<name>web-01</name>")
        await ui.press("V", "j", "j")
        await ui.sees("3 lines selected")
        await ui.press("y")
        assert ui.app.clipboard == "\n".join(LIVE.split("\n")[:3])
        await ui.sees("copied 3 lines of XML")


async def test_what_the_mouse_marks_is_copied() -> None:
    async with opened(DetailsBackend(), tab="xml") as ui:
        await ui.sees("<name>web-01</name>")
        text = text_of(ui)
        await ui.pilot.mouse_down(text, offset=(8, 1))
        await ui.pilot.hover(text, offset=(13, 1))
        await ui.pilot.mouse_up(text, offset=(13, 1))
        await ui.pilot.pause()
        await ui.press("y")
        assert ui.app.clipboard.strip() in "<name>web-01</name>"
        assert 0 < len(ui.app.clipboard) < 12


async def test_a_copy_that_many_terminals_refuse_is_warned_of() -> None:
    backend = DetailsBackend()
    backend.reading = DETAILS._replace(xml=DomainXml("<a/>\n" * 20_000, None, ()))
    async with opened(backend, tab="xml") as ui:
        await ui.sees("20000 lines")
        await ui.press("y")
        await ui.sees("some terminals take no more than 73 KiB")


async def test_long_lines_scroll_sideways() -> None:
    backend = DetailsBackend()
    line = "<!-- " + "".join(f"{number:04d}" for number in range(1000)) + " end -->"
    backend.reading = DETAILS._replace(xml=DomainXml(line, line, ()))
    async with opened(backend, tab="xml") as ui:
        await ui.sees("<!-- 0000")
        await ui.press("right")
        assert "<!-- 0000" not in ui.frame()
        assert "+8" in ui.frame()
        await ui.press("slash")
        await ui.type("end")
        await ui.press("enter")
        await ui.sees("0999 end -->")
        await ui.press("escape", *["left"] * 3)
        assert text_of(ui).left > 3000


async def test_five_thousand_lines_move_at_once() -> None:
    backend = DetailsBackend()
    line = "    <disk type='file' device='disk' snapshot='external'>"
    xml = "\n".join(f"{line}{number}</disk>" for number in range(5000))
    backend.reading = DETAILS._replace(xml=DomainXml(xml, xml, ()))
    async with opened(backend, (120, 40), "xml") as ui:
        await ui.sees("5000 lines")
        text = text_of(ui)
        begun = time.process_time()
        for top in range(0, 5000, 50):
            text.scroll_rows(top)
        text.search("disk>")
        text.search("4999<")
        took = time.process_time() - begun
        await ui.sees("4999</disk>")
        assert took < 2.0, took


async def test_the_place_is_kept_when_the_xml_is_read_again() -> None:
    backend = DetailsBackend()
    xml = "\n".join(f"<line-{number}/>" for number in range(200))
    backend.reading = DETAILS._replace(xml=DomainXml(xml, xml, ()))
    async with opened(backend, tab="xml") as ui:
        await ui.sees("<line-0/>")
        await ui.press("pagedown")
        top = text_of(ui).top
        assert top > 0
        backend.reading = DETAILS._replace(xml=DomainXml(xml + "\n<new/>", xml, CHANGES))
        await ui.sees("201 lines")
        assert text_of(ui).top == top


async def test_the_log_shows_its_end_and_follows() -> None:
    backend = DetailsBackend()
    async with opened(backend, tab="log") as ui:
        await ui.sees("line 299")
        assert "following" in ui.frame()
        backend.log_reading = QemuLog("/var/log/x.log", LOG + "\nlast words")
        await ui.sees("last words")


async def test_the_log_does_not_follow_once_the_reader_scrolled_up() -> None:
    backend = DetailsBackend()
    async with opened(backend, tab="log") as ui:
        await ui.sees("line 299")
        await ui.press("pageup")
        assert "following" not in ui.frame()
        shown = ui.lines()[6]
        backend.log_reading = QemuLog("/var/log/x.log", LOG + "\nlast words")
        await ui.sees("/var/log/x.log")
        assert ui.lines()[6] == shown
        assert "last words" not in ui.frame()
        await ui.press("G")
        await ui.sees("last words")


async def test_a_log_that_cannot_be_read_shows_events_and_explains_itself() -> None:
    backend = DetailsBackend()
    backend.log_reading = TuivmError(
        "The log cannot be read", "kv1 is another machine", hint="ssh kv1 less /var/log/..."
    )
    backend.batch.entries.append(
        LogEntry(1.7e9, "started web-01", Severity.GOOD, "kv1", KEY.uuid, "web-01", "virsh start")
    )
    backend.batch.entries.append(LogEntry(1.7e9, "started another", uuid="x", host="kv1"))
    async with opened(backend, tab="log") as ui:
        await ui.sees("started web-01   virsh start")
        assert "started another" not in ui.frame().rpartition("\n")[0].partition("Events")[2][:400]
        await ui.press("i")
        await ui.sees("The log cannot be read")
        await ui.sees("ssh kv1 less /var/log/...")


async def test_messages_and_events_are_parts_of_the_log() -> None:
    backend = DetailsBackend()
    async with opened(backend, tab="log") as ui:
        await ui.sees("line 299")
        await ui.press("l")
        await ui.sees("tainted: custom configuration parameters")
        await ui.press("l")
        await ui.sees("Nothing happened to it since tuivm was started.")
        entry = LogEntry(time.time(), "web-01 stopped", host="kv1", uuid=KEY.uuid)
        backend.send(Batch(entries=[entry]))
        await ui.sees("web-01 stopped")


@pytest.mark.parametrize("key", ["n", "slash", "V"])
async def test_keys_of_texts_say_where_they_work(key: str) -> None:
    async with opened(DetailsBackend()) as ui:
        await ui.press(key)
        line = ui.lines()[-2]
        assert "XML" in line or "search" in line
