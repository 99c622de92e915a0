"""The host check on screen."""

from __future__ import annotations

from tests.ui.fake import FakeBackend, fleet
from tests.ui.screens import running
from tuivm.core.check import Finding, Part, Verdict
from tuivm.core.errors import TuivmError

REPORT = (
    Part(
        "This machine",
        (
            Finding("cpu", "CPU", Verdict.OK, "the processor has Intel VT-x (vmx)"),
            Finding(
                "kvm-module", "Kernel", Verdict.PROBLEM, "kvm_intel [b]is not loaded",
                ("sudo modprobe kvm_intel",),
            ),
        ),
    ),
    Part("qemu:///system", (Finding("x", "Clock", Verdict.UNKNOWN, "nobody says"),)),
)  # fmt: skip


async def test_the_check_of_a_host_shows_the_worst_first_and_what_to_do() -> None:
    backend = FakeBackend(fleet())
    backend.report = REPORT
    async with running(backend) as ui:
        await ui.press("4", "c")
        await ui.sees("is not loaded")
        lines = ui.lines()
        assert "kv1: 1 problem, 1 ok, 1 unknown" in lines[1]
        assert "problem" in lines[3]
        assert "ok" in lines[4]
        assert any("What to do" in line and "sudo modprobe kvm_intel" in line for line in lines)
        assert backend.checked == ["kv1"]
        await ui.press("c")
        assert backend.checked == ["kv1", "kv1"]
        await ui.press("y")
        await ui.sees("copied to the terminal's clipboard")
        await ui.press("escape")
        await ui.sees("STATE        HOST")


async def test_the_command_checks_the_host_of_the_vm_under_the_cursor() -> None:
    backend = FakeBackend(fleet())
    backend.report = TuivmError("Cannot check kv1", "it is gone")
    async with running(backend) as ui:
        await ui.press("colon")
        await ui.type("check")
        await ui.press("enter")
        await ui.sees("Cannot check kv1: it is gone")
        assert backend.checked == ["kv1"]
