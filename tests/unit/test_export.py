"""The list as CSV and JSON: what a spreadsheet, a script and a reader rely on."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tests.unit.samples import facts, row, sample
from tuivm.core.errors import TuivmError
from tuivm.core.export import as_csv, as_json, column_ids, sort_order
from tuivm.core.model import Address, State


def table(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def test_csv_has_json_s_names_and_exact_numbers() -> None:
    web = row(
        "web",
        facts=facts(vcpus=2, memory_max=4 << 30, title="The shop, new", tags=("prod", "eu")),
        stats=sample(cpu=12.5, memory_used=1 << 30, disk_read=3.0, disk_write=4.0),
        addresses=(Address("10.0.0.1", "aa", "lease"), Address("10.0.0.2", "aa", "lease")),
        autostart=True,
    )
    text = as_csv([web], ["name", "cpu", "mem", "disk", "ip", "tags", "title", "autostart"])
    assert text.endswith("\r\n")
    assert '"The shop, new"' in text
    header, line = table(text)
    assert dict(zip(header, line, strict=True)) == {
        "name": "web",
        "cpu": "12.5",
        "memory_used": str(1 << 30),
        "memory_max": str(4 << 30),
        "disk_read": "3.0",
        "disk_write": "4.0",
        "addresses": "10.0.0.1 10.0.0.2",
        "tags": "prod eu",
        "title": "The shop, new",
        "autostart": "true",
    }


def test_every_column_of_the_list_can_be_written_and_the_unknown_is_empty() -> None:
    from tuivm.core.columns import BY_ID

    header, line = table(as_csv([row("old", State.OFF)], BY_ID))
    values = dict(zip(header, line, strict=True))
    assert values["state_text"] == "off"
    assert values["host"] == "kv1"
    assert values["cpu"] == values["memory_max"] == values["title"] == values["uptime"] == ""


@pytest.mark.parametrize("name", ['a"b', "a,b", "a\nb", "größe", " x "])
def test_csv_and_json_bring_any_name_back(name: str) -> None:
    assert table(as_csv([row(name)], ["name"])) == [["name"], [name]]
    assert json.loads(as_json([row(name)]))[0]["name"] == name


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)"])
def test_a_spreadsheet_runs_no_name_as_a_formula_and_json_has_it_as_it_is(name: str) -> None:
    assert table(as_csv([row(name)], ["name"]))[1] == [f"'{name}"]
    assert json.loads(as_json([row(name)]))[0]["name"] == name


def test_columns_and_the_order_are_read_and_a_slip_is_told() -> None:
    assert column_ids("Name, host,name") == ("name", "host")
    assert sort_order("mem") == ("mem", True)
    assert sort_order("mem:asc") == ("mem", False)
    assert sort_order("name:desc") == ("name", True)
    with pytest.raises(TuivmError, match="memm"):
        column_ids("name,memm")
    with pytest.raises(TuivmError, match="down"):
        sort_order("mem:down")
    with pytest.raises(TuivmError, match="without a name"):
        column_ids("name,")
