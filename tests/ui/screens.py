"""Runs the app without a terminal and reads its screen as text."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from tests.ui.fake import FakeBackend
from tests.ui.swiftpilot import SwiftPilot
from tuivm.app import TuivmApp
from tuivm.core.config import Config
from tuivm.core.keymap import Keymap
from tuivm.core.store import Store
from tuivm.core.view import View
from tuivm.screens.context import Context, Options


def make(backend: FakeBackend, **options: object) -> TuivmApp:
    """An app over a backend."""
    config = Config()
    store = Store()
    context = Context(
        backend,
        store,
        View(store),
        config,
        Keymap.load(config),
        Options(**options),  # type: ignore[arg-type]
    )
    return TuivmApp(context)


class Ui:
    """A running app under test."""

    def __init__(self, app: TuivmApp, backend: FakeBackend, pilot: Pilot[int]) -> None:
        self.app = app
        self.backend = backend
        self.pilot = SwiftPilot(pilot.app)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def type(self, text: str) -> None:
        await self.pilot.press(*text)

    def frame(self) -> str:
        """What is on the screen, without trailing blanks."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text.rstrip() for strip in strips)

    def lines(self) -> list[str]:
        return self.frame().split("\n")

    async def until(self, condition: Callable[[], bool], seconds: float = 20.0) -> None:
        """Wait for a condition; fails with the frame when it does not come true."""
        for _ in range(int(seconds / 0.02)):
            if condition():
                return
            await self.pilot.pause(0.02)
        raise AssertionError(f"never came true; the screen was:\n{self.frame()}")

    async def sees(self, text: str) -> None:
        """Wait until a text is on the screen."""
        try:
            await self.until(lambda: text in self.frame())
        except AssertionError as error:
            raise AssertionError(f"{text!r} never showed up; {error}") from None


@asynccontextmanager
async def running(
    backend: FakeBackend, size: tuple[int, int] = (80, 24), **options: object
) -> AsyncIterator[Ui]:
    """Run the app at a size, with notifications on as on a real terminal."""
    app = make(backend, **options)
    async with app.run_test(size=size, notifications=True) as pilot:
        ui = Ui(app, backend, pilot)
        await ui.until(lambda: not backend.batch)
        await ui.pilot.pause()
        yield ui
