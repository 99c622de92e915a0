"""Random hands on the whole program: keys, pastes, sizes and outside changes from a seed.

The program is the real one on the embedded fleet: real screens, backend and libvirt; only the
terminal is missing. ``python -m tests.ui.monkey FIRST LAST`` plays many seeds and prints what
broke; one seed gives the same hands again, though not the same timing.
"""

from __future__ import annotations

import asyncio
import random
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import libvirt
from textual import events

from tests.ui.swiftpilot import SwiftPilot, key_event
from tuivm.app import TuivmApp
from tuivm.backend.fleet import Fleet
from tuivm.core.actions import ACTIONS
from tuivm.core.config import Config
from tuivm.core.keymap import Keymap
from tuivm.core.store import Store
from tuivm.core.view import View
from tuivm.screens.base import AppAction
from tuivm.screens.context import Context, Options

SIZES = ((80, 24), (120, 40), (200, 60), (20, 5), (40, 10), (60, 16), (1, 1), (159, 50), (80, 3))
LEAVING = ("ctrl+q", "q", "ctrl+z", "ctrl+c")
"""Keys that end or suspend the program where they are not typed into something."""
BASIC = (
    "enter", "enter", "escape", "escape", "up", "down", "left", "right", "tab", "shift+tab",
    "pageup", "pagedown", "home", "end", "backspace", "delete", "space", "y", "n",
)  # fmt: skip
CONSOLE = ("f12", "f12", "ctrl+right_square_bracket", "ctrl+5")
LETTERS = tuple("abcdefghijklmnopqrstuvwxyzBCDEFGHILMNPRSTUVWXZ0123456789/:?,.<>|=*\\[]{}-_ ")
WORDS = (
    "web*", "state:running cpu>0", "cpu>", "(", "host:demo !paused", "root", "a[/b]", "[", "\\",
    "start web*", "undefine --nvram", "list --all", "shutdown x --mode acpi", "dumpxml", ":::",
    "sort name", "tag +web -old", "domrename web-01 other", "\u202eevil\u200b", "ä" * 90,
    "👩‍💻 wide 漢字",
)  # fmt: skip
NAMES = ("a[/b]", "-dash", "with space", "漢字" * 9, "x" * 180, "[bold red]no", "quo'te\"d")
DOMAIN = "<domain type='test'><name/><memory>8192</memory><os><type>hvm</type></os></domain>"


class Crash(AssertionError):
    """An exception reached the program."""


@dataclass
class Monkey:
    """Plays one seed; ``done`` tells what its hands did."""

    seed: int
    steps: int = 120
    ascii: bool = False
    done: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    """How often each screen was on top."""

    async def play(self) -> None:
        """Play it all; raises ``Crash`` with the hands so far for whatever goes wrong."""
        self._random = random.Random(self.seed)
        fleet = Fleet([], demo=True)
        app = self._app(fleet)
        try:
            size = self._random.choice(SIZES[:5])
            async with app.run_test(size=size, notifications=True) as pilot:
                self._pilot, self._fleet, self._run = SwiftPilot(app), fleet, app
                del pilot
                for _ in range(500):
                    if app.context.store.rows:
                        break
                    await asyncio.sleep(0.02)
                for _ in range(self.steps):
                    self.seen[type(app.screen).__name__] += 1
                    await self._step()
                    if app.crash is not None or app._exception is not None:
                        break
                await self._pilot.settle()
        except Exception as error:
            raise Crash(self._told(error)) from error
        finally:
            fleet.stop(1.0)
        if app.crash is not None:
            raise Crash(self._told(app.crash)) from app.crash

    def _told(self, error: BaseException) -> str:
        return f"seed {self.seed} after {' '.join(self.done[-60:])}: {error!r}"

    def _app(self, fleet: Fleet) -> TuivmApp:
        config, store = Config(), Store()
        options = Options(ascii=self._random.random() < 0.1, demo=True)
        context = Context(
            fleet, store, View(store), config._replace(patience=0.5), Keymap.load(config), options
        )
        app = TuivmApp(context)
        app._leave = lambda code: self.done.append("(leave)")  # type: ignore[method-assign]
        taken = app.on_app_action

        def action(message: AppAction) -> None:
            if message.action_id != "app.suspend":
                taken(message)

        app.on_app_action = action  # type: ignore[method-assign]
        return app

    async def _step(self) -> None:
        hand = self._random.choices(
            (self._keys, self._burst, self._resize, self._outside, self._paste, self._verb,
             self._mouse, self._pause),
            (50, 14, 6, 7, 3, 9, 4, 5),
        )[0]  # fmt: skip
        await hand()

    def _key(self) -> str:
        pool = self._random.choices((BASIC, CONSOLE, LETTERS, self._bound()), (40, 6, 30, 24))[0]
        return self._random.choice(pool)

    def _bound(self) -> tuple[str, ...]:
        keymap = self._run.context.keymap
        keys = (key for name in ACTIONS for key in keymap.keys_for(name))
        return tuple(key for key in keys if key not in LEAVING)

    async def _keys(self) -> None:
        key = self._key()
        self.done.append(key)
        await self._pilot.press(key)

    async def _burst(self) -> None:
        """Keys that arrive at once, as on a slow line, with a new size among them."""
        for _ in range(self._random.randint(2, 8)):
            if self._random.random() < 0.1:
                self._send_size()
            key = self._key()
            self.done.append(f"+{key}")
            self._post(key_event(key))
        if self._random.random() < 0.5:
            await self._pilot.settle()

    def _post(self, event: events.Event) -> None:
        event.set_sender(self._run)
        self._run.post_message(event)

    async def _resize(self) -> None:
        self._send_size()
        if self._random.random() < 0.7:
            await self._pilot.settle()

    def _send_size(self) -> None:
        from textual.geometry import Size

        width, height = self._random.choice(SIZES)
        self.done.append(f"<{width}x{height}>")
        size = Size(width, height)
        driver = self._run._driver
        if driver is not None:
            driver._size = (width, height)
        self._post(events.Resize(size, size))

    async def _paste(self) -> None:
        words = self._random.choice(WORDS)
        if self._random.random() < 0.3:
            words = "\n".join([words] * 30)
        self.done.append(f"paste({words[:12]!r})")
        self._post(events.Paste(words))
        await self._pilot.settle()

    async def _mouse(self) -> None:
        width, height = self._run.size
        at = self._random.randrange(max(1, width)), self._random.randrange(max(1, height))
        self.done.append(f"click{at}")
        for kind in (events.MouseDown, events.MouseUp, events.Click):
            self._post(_mouse(kind, *at))
        scroll = self._random.choice((events.MouseScrollDown, events.MouseScrollUp))
        self._post(_mouse(scroll, *at))
        await self._pilot.settle()

    async def _pause(self) -> None:
        await self._pilot.pause(self._random.choice((0.02, 0.1, 0.3)))

    async def _verb(self) -> None:
        """Any verb of the registry, as from the command line or the palette."""
        screen = self._run.screen
        perform = getattr(screen, "perform", None)
        ids = [name for name in ACTIONS if not name.startswith(("app.", "logs.client"))]
        if perform is None:
            return
        name = self._random.choice(ids)
        self.done.append(name)
        perform(name)
        if self._random.random() < 0.6:
            await self._pilot.settle()

    async def _outside(self) -> None:
        """Somebody else changes a VM while whatever is open is open."""
        rng = self._random
        change = rng.choice((_stop, _start, _pause, _undefine, _rename, _define, _undefine))
        pick, name = rng.random(), f"{rng.choice(NAMES)}{rng.randrange(99)}"
        self.done.append(f"!{change.__name__}")
        for host in list(self._fleet.hosts.values()):
            future = host.submit(lambda conn: _outside(conn, change, pick, name), call="outside")
            try:
                await asyncio.wait_for(asyncio.wrap_future(future), 5)
            except Exception as error:
                self.done.append(f"({error})")
        if rng.random() < 0.7:
            await self._pilot.settle()


def _mouse(kind: Callable[..., events.MouseEvent], x: int, y: int) -> events.MouseEvent:
    return kind(
        None, x=x, y=y, delta_x=0, delta_y=0, button=1, shift=False, meta=False, ctrl=False,
        screen_x=x, screen_y=y, style=None,
    )  # fmt: skip


def _outside(conn: libvirt.virConnect, change: Callable[..., None], pick: float, name: str) -> None:
    domains = conn.listAllDomains(0)
    try:
        change(conn, domains[int(pick * len(domains))] if domains else None, name)
    except (libvirt.libvirtError, AttributeError):
        return  # not possible in its state: others are tried


def _stop(conn: libvirt.virConnect, domain: Any, name: str) -> None:
    domain.destroy()


def _start(conn: libvirt.virConnect, domain: Any, name: str) -> None:
    domain.create()


def _pause(conn: libvirt.virConnect, domain: Any, name: str) -> None:
    domain.suspend()


def _undefine(conn: libvirt.virConnect, domain: Any, name: str) -> None:
    if domain.isActive():
        domain.destroy()
    domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA)


def _rename(conn: libvirt.virConnect, domain: Any, name: str) -> None:
    if domain.isActive():
        domain.destroy()
    domain.rename(name)


def _define(conn: libvirt.virConnect, domain: Any, name: str) -> None:
    from xml.sax.saxutils import escape

    conn.defineXML(DOMAIN.replace("<name/>", f"<name>{escape(name)}</name>"))


def main(first: int, last: int) -> int:
    """Play seeds and print what broke; returns how many did."""
    broken, seen = 0, Counter[str]()
    for seed in range(first, last + 1):
        monkey = Monkey(seed, steps=250)
        try:
            asyncio.run(asyncio.wait_for(monkey.play(), 180))
        except Exception as error:
            broken += 1
            print(f"== {error}")
            traceback.print_exception(error.__cause__ or error)
            sys.stdout.flush()
        else:
            print(f"seed {seed}: fine", flush=True)
        seen.update(monkey.seen)
    print(seen)
    return broken


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
