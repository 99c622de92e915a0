"""What every test stands on: an environment that nobody's machine leaks into."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from tests.guest.lab import close_lab

HOSTILE_PREFIXES = ("LIBVIRT_", "VIRSH_", "TUIVM_", "TEXTUAL")
HOSTILE_NAMES = (
    *("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "COLORTERM", "COLUMNS", "LINES", "EDITOR"),
    # With it every launch would compile the program again.
    "PYTHONDONTWRITEBYTECODE",
)
KEPT = ("TUIVM_LAB_DIR", "TUIVM_TEST_WORKERS")
XDG = ("CONFIG", "CACHE", "DATA", "STATE")


RUN_VARIABLE = "TUIVM_TEST_RUN"
"""Names the test run in its environment, so that its workers share one lab, and end it once."""


def pytest_configure() -> None:
    """Name the run; workers inherit the name."""
    os.environ.setdefault(RUN_VARIABLE, uuid.uuid4().hex)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest comes first, so that no worker is left alone with it at the end."""
    folder = Path(__file__).parent
    order = {name: place for place, name in enumerate(("guest", "e2e", "backend", "ui", "unit"))}
    items.sort(key=lambda item: order.get(item.path.relative_to(folder).parts[0], 0))
    for item in items:
        # A module's fixtures are made once only if one worker has all of the module's tests.
        shares = any(definition[-1].scope == "module" for definition in fixtures_of(item))
        if shares and item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


def fixtures_of(item: pytest.Item) -> Iterable[Sequence[pytest.FixtureDef[object]]]:
    """The definitions of all the fixtures that a test uses, each with what it overrides."""
    info = getattr(item, "_fixtureinfo", None)
    return info.name2fixturedefs.values() if info is not None else ()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """End the lab that this run started, when all of its workers are done."""
    if not hasattr(session.config, "workerinput"):
        close_lab(os.environ[RUN_VARIABLE])


def clean_environment(home: Path) -> dict[str, str]:
    """This process's environment without what could change tuivm's ways; all XDG in ``home``."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in KEPT
        or not (name.startswith(HOSTILE_PREFIXES) or name in HOSTILE_NAMES or "XDG_" in name)
    }
    for part in XDG:
        kept[f"XDG_{part}_HOME"] = str(home / part.lower())
    kept |= {"HOME": str(home), "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    return kept


@pytest.fixture(autouse=True)
def isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the configuration, state or default URI of whoever runs it."""
    wanted = clean_environment(tmp_path)
    for name in [name for name in os.environ if name not in wanted]:
        if name != "PYTEST_CURRENT_TEST":
            monkeypatch.delenv(name)
    for name, value in wanted.items():
        monkeypatch.setenv(name, value)
