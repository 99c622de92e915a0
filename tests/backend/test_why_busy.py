"""Who holds a domain's lock, in moments that no real one can be caught in at will."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import libvirt
import pytest
from lxml import etree

from tuivm.backend import why_busy
from tuivm.core.errors import TuivmError

LOCKED = "cannot acquire state change lock (held by monitor=remoteDispatchDomainCoreDump)"
DUMP = {
    libvirt.VIR_DOMAIN_JOB_OPERATION: libvirt.VIR_DOMAIN_JOB_OPERATION_DUMP,
    libvirt.VIR_DOMAIN_JOB_TIME_ELAPSED: 5000,
    "type": libvirt.VIR_DOMAIN_JOB_UNBOUNDED,
}


OF_AGENT = "cannot acquire state change lock (held by agent=remoteDispatchDomainFSFreeze)"
OF_BOTH = (
    "cannot acquire state change lock (held by monitor=remoteDispatchDomainSnapshotCreateXML "
    "agent=remoteDispatchDomainSnapshotCreateXML)"
)
"""As libvirt 9.1 and newer have it."""
OF_TWO = (
    "cannot acquire state change lock "
    "(held by monitor=remoteDispatchDomainSuspend agent=remoteDispatchDomainFSFreeze)"
)


def refused(text: str) -> TuivmError:
    return TuivmError("Cannot pause it", text, code=libvirt.VIR_ERR_OPERATION_TIMEOUT)


@pytest.mark.parametrize(
    ("text", "found", "names"),
    [
        (OF_AGENT, "busy-agent", "FSFreeze"),
        (OF_BOTH, "busy-agent", "SnapshotCreateXML"),
        (OF_TWO, "busy", "Suspend"),
        (LOCKED.replace("monitor=", ""), "busy", "CoreDump"),
        ("cannot acquire state change lock", "busy", "another call"),
        ("no answer within 8 s", None, ""),
    ],
)
def test_the_call_that_holds_it_is_named(text: str, found: str | None, names: str) -> None:
    live = etree.fromstring("<domain/>")
    domain = SimpleNamespace(
        UUIDString=lambda: "00000000-7e57-4000-8000-000000000000",
        controlInfo=lambda _flags: [libvirt.VIR_DOMAIN_CONTROL_OK, 0, 0],
        jobStats=lambda _flags: {"type": libvirt.VIR_DOMAIN_JOB_NONE},
    )
    uri = "qemu+ssh://kv1/system"
    case: Any = SimpleNamespace(domain=domain, error=refused(text), uri=uri, live=live)
    causes = list(why_busy.causes(case))
    assert [cause.id for cause in causes] == ([found] if found else [])
    assert all(names in cause.evidence for cause in causes)


@pytest.mark.parametrize(
    ("state", "found"),
    [
        (libvirt.VIR_DOMAIN_CONTROL_OK, "busy-job"),
        (libvirt.VIR_DOMAIN_CONTROL_JOB, "busy-job"),
        (libvirt.VIR_DOMAIN_CONTROL_OCCUPIED, "busy"),
    ],
)
def test_a_job_is_known_also_while_it_is_asked_how_far_it_is(state: int, found: str) -> None:
    domain = SimpleNamespace(
        UUIDString=lambda: f"0000000{state}-7e57-4000-8000-000000000000",
        controlInfo=lambda _flags: [state, 0, 5000],
        jobStats=lambda _flags: DUMP,
    )
    case: Any = SimpleNamespace(domain=domain, error=refused(LOCKED), uri="qemu+ssh://kv1/system")
    (cause,) = why_busy.causes(case)
    assert cause.id == found
