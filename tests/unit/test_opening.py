"""The configuration's hosts have their names and their permissions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tuivm.core.config import Config, HostConfig
from tuivm.core.launch import Launch
from tuivm.core.model import HostState, Severity
from tuivm.core.views import ViewError
from tuivm.opening import open_fleet
from tuivm.outset import make_context
from tuivm.screens.context import Context

HOSTS = (
    HostConfig("test:///default", "alpha", readonly=True),
    HostConfig("test:///b.xml", "alpha"),
    HostConfig("test:///c.xml"),
)


def test_names_and_permissions_come_from_the_configuration() -> None:
    config = Config(hosts=HOSTS)
    fleet = open_fleet(config.uris, config)
    statuses = [host.status for host in fleet.hosts.values()]
    assert [status.uri for status in statuses] == list(config.uris)
    assert statuses[0].id == "alpha"
    assert len({status.id for status in statuses}) == 3, "a name is given once"
    assert [status.readonly for status in statuses] == [True, False, False]


def test_only_what_wants_to_be_is_connected_unless_it_is_named() -> None:
    config = Config(hosts=(HostConfig("test:///default", "alpha", tags=("x",), autoconnect=False),))
    status = open_fleet(config.uris, config).hosts["alpha"].status
    assert (status.state, status.tags) == (HostState.DISABLED, ("x",))
    fleet = open_fleet(config.uris, config, named=config.uris)
    assert fleet.hosts["alpha"].status.state is HostState.IDLE


def test_readonly_is_for_all() -> None:
    for readonly, config in ((True, Config()), (False, Config(readonly=True))):
        fleet = open_fleet(["test:///default"], config, readonly=readonly)
        assert [host.status.readonly for host in fleet.hosts.values()] == [True]


def context_of(launch: Launch) -> Context:
    return make_context(launch, open_fleet((), launch.config, demo=True))


def test_the_list_opens_as_it_was_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "config" / "tuivm" / "views.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"views": [{"name": "mine", "filter": "web", "sort": "mem"}, 7]}))
    config = Config(view="mine", filter="other")
    context = context_of(Launch(config=config))
    assert (context.view.filter_text, context.view.sort_column) == ("web", "mem")
    (entry,) = context.store.log
    assert entry.severity is Severity.WARNING
    assert "views.json" in entry.text
    context = context_of(Launch(config=config, filter="db", view="running"))
    assert context.view.filter_text == "db"
    assert context.views.changed(context.view)
    with pytest.raises(ViewError):
        context_of(Launch(view="mien"))
    context = context_of(Launch(config=Config(view="mien", filter="other")))
    assert context.view.filter_text == "other"
    error = context.store.log[-1].error
    assert error is not None
    assert error.hint == "did you mean mine?"
