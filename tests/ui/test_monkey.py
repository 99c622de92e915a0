"""Whatever is pressed, pasted, clicked or changed from outside, the program goes on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.ui.monkey import Monkey


@pytest.mark.parametrize("seed", [9, 11, 15, 21, 45, 101])
def test_random_hands_break_nothing(
    seed: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for name in ("CONFIG", "STATE", "DATA", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    asyncio.run(asyncio.wait_for(Monkey(seed, steps=80).play(), 120))
