"""Which causes are read from a domain's XML; what only real guests show is in ``tests/guest``."""

from __future__ import annotations

import pytest

from tuivm.backend.acpi_xml import acpi_diff, deaf_words, lacks_acpi, with_acpi
from tuivm.backend.case import Case, Doing
from tuivm.backend.why_shutdown import causes
from tuivm.backend.xml_parse import parse
from tuivm.core.causes import Cause, Surety
from tuivm.core.model import State

XML = """<domain type='kvm'><name>web</name>
<os><type arch='x86_64' machine='pc'>hvm</type><kernel>/k</kernel>
<cmdline>{cmdline}</cmdline></os>
{features}<on_poweroff>{poweroff}</on_poweroff><devices/></domain>"""


def xml(
    cmdline: str = "console=ttyS0 quiet",
    features: str = "<features><acpi/></features>",
    poweroff: str = "destroy",
) -> str:
    return XML.format(cmdline=cmdline, features=features, poweroff=poweroff)


class Guest:
    """A domain with no log that could be read."""

    def XMLDesc(self, flags: int) -> str:
        return "<domain/>"

    def UUIDString(self) -> str:
        return "u"

    def name(self) -> str:
        return "web"

    def lookupByUUIDString(self, uuid: str) -> Guest:
        return self


def find(live: str, inactive: str | None = None, state: State = State.RUNNING) -> list[Cause]:
    guest = Guest()
    return list(
        causes(
            Case(
                conn=guest,
                domain=guest,
                uri="qemu:///system",
                name="web",
                state=state,
                reason="by user" if state is State.PAUSED else "",
                live=parse(live),
                inactive=parse(live if inactive is None else inactive) if inactive != "" else None,
                doing=Doing(),
                error=None,
            )
        )
    )


def test_nothing_is_claimed_of_a_healthy_domain() -> None:
    assert find(xml()) == []
    assert find(xml(cmdline="acpi=force noacpid acpi_osi=off")) == []
    assert find(xml(cmdline="acpi=off"), state=State.OFF) == []


@pytest.mark.parametrize("word", ["acpi=off", "noacpi", "acpi=ht"])
def test_the_word_on_the_command_line_is_named_with_its_line_and_its_cure(word: str) -> None:
    (found,) = find(xml(cmdline=f"console=ttyS0 {word} quiet"))
    assert found.id == "acpi-off"
    assert found.surety is Surety.CERTAIN
    assert word in found.title
    assert f"<cmdline>console=ttyS0 {word} quiet</cmdline>" in found.evidence
    assert "line 6 of its XML" in found.evidence
    force, edit = found.cures
    assert (force.key, force.action_id, force.level) == ("D", "domain.destroy", 2)
    assert (edit.key, edit.action_id, edit.level) == ("e", "domain.enable_acpi", 1)
    assert edit.lines == (
        f"- <cmdline>console=ttyS0 {word} quiet</cmdline>",
        "+ <cmdline>console=ttyS0 quiet</cmdline>",
    )


def test_a_definition_that_is_cured_already_is_not_cured_again() -> None:
    (found,) = find(xml(cmdline="acpi=off"), xml())
    assert "cured already" in found.cures[1].title
    assert not found.cures[1].action_id
    (found,) = find(xml(cmdline="acpi=off"), "")
    assert "transient" in found.cures[1].title


def test_no_acpi_in_the_features() -> None:
    (found,) = find(xml(features="<features><apic/></features>"))
    assert found.id == "no-acpi"
    assert "+ <acpi/>" in found.cures[1].lines
    (found,) = find(xml(features=""))
    assert "no <features>" in found.evidence
    other = xml(features="").replace("x86_64", "aarch64")
    assert find(other) == [], "elsewhere ACPI is not how a guest is asked"


@pytest.mark.parametrize(("action", "says"), [("restart", "starts again"), ("preserve", "kept")])
def test_what_happens_at_power_off(action: str, says: str) -> None:
    (found,) = find(xml(poweroff=action))
    assert found.id == "on-poweroff"
    assert says in found.title
    assert dict(found.cures[0].args) == {"type": "poweroff", "action": "destroy"}


def test_a_paused_guest_hears_nothing() -> None:
    (found,) = find(xml(), state=State.PAUSED)
    assert found.id == "paused"
    assert "by user" in found.evidence
    assert found.cures[0].action_id == "domain.resume"


def test_the_cure_takes_the_word_and_nothing_else() -> None:
    root = parse(xml(cmdline="console=ttyS0  acpi=off root=/dev/vda", features=""))
    assert deaf_words(root)
    assert lacks_acpi(root)
    assert with_acpi(root)
    assert root.findtext("os/cmdline") == "console=ttyS0 root=/dev/vda"
    assert root.find("features/acpi") is not None
    assert not with_acpi(root)
    assert acpi_diff(root) == ()
