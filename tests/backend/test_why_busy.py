"""Who holds a domain's lock, in moments that no real one can be caught in at will."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import libvirt
import pytest

from tuivm.backend import why_busy
from tuivm.core.errors import TuivmError

LOCKED = "cannot acquire state change lock (held by monitor=remoteDispatchDomainCoreDump)"
DUMP = {
    libvirt.VIR_DOMAIN_JOB_OPERATION: libvirt.VIR_DOMAIN_JOB_OPERATION_DUMP,
    libvirt.VIR_DOMAIN_JOB_TIME_ELAPSED: 5000,
    "type": libvirt.VIR_DOMAIN_JOB_UNBOUNDED,
}


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
    error = TuivmError("Cannot pause it", LOCKED, code=libvirt.VIR_ERR_OPERATION_TIMEOUT)
    case: Any = SimpleNamespace(domain=domain, error=error, uri="qemu+ssh://kv1/system")
    (cause,) = why_busy.causes(case)
    assert cause.id == found
