"""The details over the real backend, on libvirt's in-process test driver."""

from __future__ import annotations

from typing import cast

from tests.ui.fake import FakeBackend
from tests.ui.screens import Ui, make
from tuivm.backend.fleet import Fleet
from tuivm.screens.details import DetailsScreen
from tuivm.screens.details_view import DetailsView


async def test_the_details_of_a_real_domain() -> None:
    backend = cast(FakeBackend, Fleet(["test:///default"]))
    app = make(backend)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        ui = Ui(app, backend, pilot)
        await ui.sees("● running")
        await ui.press("enter")
        await ui.until(lambda: isinstance(app.screen, DetailsScreen))
        view = app.screen.query_one(DetailsView)
        await ui.until(lambda: view.state.details is not None)
        await ui.sees("6695eb01-f6a4-8304-79aa-97f2502e193f")
        await ui.press("x")
        await ui.sees("<name>test</name>")
        await ui.press("d")
        await ui.sees("No difference")
        await ui.press("tab", "l")
        await ui.sees("Events")
        await ui.press("shift+tab", "shift+tab", "shift+tab")
        assert view.tab == "devices"
        await ui.press("escape")
        await ui.until(lambda: not isinstance(app.screen, DetailsScreen))
