"""``scripts/screenshots``: drives the program in a pty and draws what it shows."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import clean_environment
from tests.e2e.terminal import Terminal, program
from tests.guest.lab import Lab, LabUnavailable, close_lab, open_lab
from tests.lab.paths import ROOT
from tests.shots.svg import draw

SIZES = ((80, 24), (120, 40), (200, 60))
TABS = {
    "overview": "Identity",
    "devices": "Disk vda",
    "xml": "<domain",
    "performance": "peak",
    "log": "Hypervisor log",
}
"""The tabs of the details in their order, each with a text that is there once it is drawn."""
OWNER = f"screenshots-{os.getpid()}"


class Camera:
    """Takes pictures into a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._converter = shutil.which("rsvg-convert")
        if self._converter is None:
            print("no rsvg-convert here (librsvg2-bin): SVG only", file=sys.stderr)

    def shoot(self, terminal: Terminal, name: str) -> None:
        """Draw the screen as ``NAME-COLUMNSxLINES``, once it rests."""
        terminal.wait_quiet(0.4, 5)
        columns, lines = terminal.size
        path = self._folder / f"{name}-{columns}x{lines}.svg"
        path.write_text(draw(terminal, f"tuivm: {name}"), encoding="utf-8")
        if self._converter is not None:
            picture = path.with_suffix(".png")
            subprocess.run([self._converter, "-o", str(picture), str(path)], check=True)
        print(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


@contextmanager
def opened(size: tuple[int, int], *arguments: str) -> Iterator[Terminal]:
    """The program at a size, in colour, with nobody's configuration."""
    with tempfile.TemporaryDirectory(prefix="tuivm-shots.") as home:
        env = clean_environment(Path(home)) | {"COLORTERM": "truecolor"}
        with Terminal(program(*arguments), size=size, env=env) as terminal:
            yield terminal


def fleet(camera: Camera, size: tuple[int, int]) -> None:
    """The list, details, menu and help, on the embedded fleet."""
    with opened(size, "--demo") as tuivm:
        tuivm.wait_for("web-01")
        # To web-01: the third from below.
        tuivm.press("G", "k", "k")
        # Sparklines want a few samples.
        tuivm.wait(lambda: tuivm.seconds > 12, "twelve seconds", 20)
        camera.shoot(tuivm, "list")
        tuivm.press("P")
        tuivm.wait_for("Send an NMI")
        camera.shoot(tuivm, "power")
        tuivm.press("escape", "?")
        tuivm.wait_for("Help")
        camera.shoot(tuivm, "help")
        tuivm.press("escape", "/", "web-01", "enter", "enter")
        for name, sign in TABS.items():
            tuivm.wait_for(sign)
            tuivm.wait_gone("reading…")
            camera.shoot(tuivm, name)
            tuivm.press("tab")


def console(camera: Camera, size: tuple[int, int], lab: Lab | None) -> None:
    """A guest's console: a real one where the lab is."""
    arguments = ["-c", lab.uri] if lab else ["--demo"]
    with opened(size, *arguments) as tuivm:
        tuivm.wait_for("web-01")
        tuivm.press("/", "web-01", "enter", "c")
        tuivm.wait_for("web-01 attached")
        tuivm.press("enter")
        if lab:
            tuivm.wait(lambda: "login:" in tuivm.text or "~#" in tuivm.text, "prompt")
            if "~#" not in tuivm.text:
                log_in(tuivm)
            tuivm.press("clear; uname -a; free; ls --color=always /\r")
            tuivm.wait_for("Swap")
        camera.shoot(tuivm, "console")
        tuivm.press("exit\r" if lab else "", "ctrl+]")


def log_in(tuivm: Terminal) -> None:
    """Log in as the lab's root."""
    tuivm.press("root\r")
    tuivm.wait_for("Password:")
    tuivm.press("lab\r")
    tuivm.wait_for("~#")


def main() -> int:
    """Take all pictures; 0 when all could be taken."""
    parser = argparse.ArgumentParser(prog="scripts/screenshots", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "screenshots")
    folder = parser.parse_args().folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    camera = Camera(folder)
    lab: Lab | None = None
    try:
        lab = open_lab(OWNER)
        if lab.virsh("domstate", "web-01").strip() != "running":
            lab.virsh("start", "web-01")
    except LabUnavailable as error:
        print(f"no real guest for the console's picture: {error}", file=sys.stderr)
    failed = 0
    try:
        for size in SIZES:
            failed += attempt(lambda: fleet(camera, size))  # noqa: B023
            failed += attempt(lambda: console(camera, size, lab))  # noqa: B023
    finally:
        close_lab(OWNER)
    return 1 if failed else 0


def attempt(job: Callable[[], None]) -> int:
    """Run one series; 1 where it failed, so that the others are taken all the same."""
    try:
        job()
    except AssertionError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
