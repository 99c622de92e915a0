"""Fixtures of the tests on real guests. Where those are impossible, each test says so."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import RUN_VARIABLE
from tests.e2e.conftest import launch
from tests.guest.lab import Lab, LabUnavailable, close_lab, open_lab
from tests.lab.guests import Guest

__all__ = ["launch"]

IN_CI = os.environ.get("CI", "") == "true"
LANES = 3
"""Workers at most that have guests at a time: each guest keeps a core busy while it boots."""
_numbers = itertools.count(1)

MakeGuest = Callable[..., Guest]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder; booting takes longer than other tests' time."""
    here = Path(__file__).parent
    guests = [item for item in items if here in item.path.parents]
    for number, item in enumerate(guests):
        item.add_marker(pytest.mark.guest)
        item.add_marker(pytest.mark.timeout(240))
        item.add_marker(pytest.mark.xdist_group(f"guests-{number * LANES // len(guests)}"))


@pytest.fixture(scope="session")
def lab_or_reason() -> Lab | str:
    """The lab, started once, or why there is none."""
    try:
        return open_lab(os.environ[RUN_VARIABLE])
    except LabUnavailable as error:
        return str(error)


def lab_of(lab_or_reason: Lab | str) -> Lab:
    """The lab; without one the test is skipped by name, or fails where CI is true."""
    if isinstance(lab_or_reason, Lab):
        return lab_or_reason
    reason = f"no real guests here: {lab_or_reason}"
    if IN_CI:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture
def lab(request: pytest.FixtureRequest, lab_or_reason: Lab | str) -> Iterator[Lab]:
    """A lab that is up; what the test defined in it is removed afterwards.

    The module's own where it is marked ``own_lab``, else the one that all share.
    """
    alone = request.node.get_closest_marker("own_lab") is not None
    one = request.getfixturevalue("own_lab") if alone else lab_of(lab_or_reason)
    yield one
    one.clean()


@pytest.fixture(scope="module")
def own_lab(lab_or_reason: Lab | str) -> Iterator[Lab]:
    """A lab with a daemon that no other module uses.

    For what a daemon may not survive, and for screens that tell of all that a host does.
    """
    owner = lab_of(lab_or_reason).running.owner
    name = f"own-{os.environ.get('PYTEST_XDIST_WORKER', 'gw')}"
    one = open_lab(owner, name)
    try:
        yield one
    finally:
        one.clean()
        close_lab(owner, name)


@pytest.fixture(scope="module")
def resident(lab_or_reason: Lab | str) -> Iterator[Guest]:
    """A guest that is booted once for a module; each test leaves it asking for a login."""
    shared = lab_of(lab_or_reason)
    own = Lab(shared.running, shared.paths, shared.image)
    guest = own.define(Guest(unique("resident"), start="running"))
    try:
        own.await_boot(guest)
        yield guest
    finally:
        own.clean()


def unique(name: str) -> str:
    """A guest's name that no other test or worker uses."""
    return f"{name}-{os.environ.get('PYTEST_XDIST_WORKER', 'gw')}-{next(_numbers)}"


@pytest.fixture
def make_guest(lab: Lab) -> MakeGuest:
    """Define a guest of this test's own; keywords as in ``tests.lab.guests.Guest``."""

    def make(name: str = "guest", **options: Any) -> Guest:
        return lab.define(Guest(unique(name), **options))

    return make
