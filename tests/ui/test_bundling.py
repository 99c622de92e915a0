"""A bundle for a bug report, asked for on screen."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ui.fake import FakeBackend, entry, fleet
from tests.ui.screens import running
from tuivm.core.api import Batch
from tuivm.core.errors import TuivmError


async def test_a_bundle_is_asked_for_made_and_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    backend = FakeBackend(fleet())
    backend.aid.bundled = ("the hypervisor's log: no such file",)
    async with running(backend, (120, 24)) as ui:
        key = next(
            one for one, row in ui.app.context.store.rows.items() if row.domain.name == "db-01"
        )
        backend.send(
            Batch(entries=[entry("db-01 paused", host="kv1", uuid=key.uuid, name="db-01")])
        )
        backend.send(Batch(entries=[entry("other", host="kv1", uuid="other", name="other")]))
        await ui.press("colon")
        await ui.type("bundle db-01")
        await ui.press("enter")
        await ui.sees("Bundle for a bug report: db-01")
        await ui.press("ctrl+u")
        await ui.type("x.txt")
        await ui.press("enter")
        await ui.sees("has to end in .tar.gz")
        await ui.press("ctrl+u")
        await ui.type("x.tar.gz")
        await ui.press("enter")
        await ui.sees("bundle written: x.tar.gz, 4.0 KiB, 1 part not to be had")
        order, path, replace = backend.aid.orders[0]
        assert (order.host, order.key, order.name) == ("kv1", key, "db-01")
        assert "db-01 paused" in order.events
        assert "other" not in order.events
        assert (path, replace) == (tmp_path / "x.tar.gz", False)
        assert ui.app.context.store.log[-1].text.endswith(f", in {tmp_path}")

        path.write_text("there is something")
        backend.aid.bundled = TuivmError("Cannot write the bundle", "no room", hint="make room")
        await ui.press("4", "I")
        await ui.sees("Bundle for a bug report: host kv1")
        await ui.press("ctrl+u")
        await ui.type("x.tar.gz")
        await ui.press("enter")
        await ui.sees("Replace the file?")
        await ui.press("y")
        await ui.sees("Cannot write the bundle: no room (make room)")
        order, _, replace = backend.aid.orders[1]
        assert (order.host, order.key, replace) == ("kv1", None, True)
