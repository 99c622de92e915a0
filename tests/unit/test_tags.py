"""Tags: what is made of strangers' texts, and how they are shown and found."""

from __future__ import annotations

import json

import pytest

from tests.unit.samples import batch, domain, facts, host_status, key_of, row, store_of
from tuivm.backend.xml import facts as read_facts
from tuivm.core.columns import BY_ID, Paint, layout
from tuivm.core.commands import parse as parse_line
from tuivm.core.completion import complete, complete_query, known_values
from tuivm.core.errors import TuivmError
from tuivm.core.export import as_json
from tuivm.core.model import HostState
from tuivm.core.query import parse
from tuivm.core.tags import MOST, NAMESPACE, parse_change, tags_of
from tuivm.core.view import View
from tuivm.core.virsh import action_virsh
from tuivm.listing import ListOptions, as_text


def xml(*tags: str, rest: str = "") -> str:
    inside = "".join(f"<t:tag>{tag}</t:tag>" for tag in tags)
    return (
        f"<domain><metadata>{rest}<t:domain xmlns:t='{NAMESPACE}'>{inside}<t:other>x</t:other>"
        "</t:domain></metadata></domain>"
    )


def test_tags_come_from_our_namespace_alone() -> None:
    others = "<n:instance xmlns:n='http://nova'><n:tag>theirs</n:tag></n:instance>"
    assert read_facts(xml("web", "db", rest=others)).tags == ("db", "web")
    assert read_facts(f"<domain><metadata>{others}</metadata></domain>").tags == ()
    assert read_facts("<domain/>").tags == ()


def test_tags_are_sorted_once_each_and_clean() -> None:
    assert tags_of([" web-10", "web-2", "Prod", "prod", "", " "]) == ("Prod", "web-2", "web-10")
    (hostile,) = tags_of(["a[/b]\x1b]52;c;eA==\x07\n" + "x" * 400])
    assert hostile.isprintable()
    assert len(hostile) <= 40
    assert len(tags_of(str(number) for number in range(1000))) == MOST


def test_a_vm_is_found_by_its_tags_and_its_hosts() -> None:
    prod = host_status("kv1", tags=("prod",))
    tagged = row(host=prod, facts=facts(tags=("db", "web-front")))
    unread = row(host=host_status("kv2"))
    assert parse("tag:web").matches(tagged)
    assert parse("tag=db").matches(tagged)
    assert parse("tag:PROD").matches(tagged)
    assert parse("tag:x,db").matches(tagged)
    assert not parse("tag=web").matches(tagged)
    assert not parse("!tag:db").matches(tagged)
    assert parse("!tag:nothing").matches(tagged)
    # What is not read yet is neither with nor without a tag.
    assert not parse("tag:web").matches(unread)
    assert not parse("!tag:web").matches(unread)
    assert parse("tag:prod").matches(row(host=prod))


def test_a_host_that_gets_a_tag_changes_what_the_filter_shows() -> None:
    store = store_of(domain("a"), domain("b", host="kv2"))
    view = View(store)
    view.set_filter("tag:prod")
    assert view.keys == []
    view.apply(store.apply(batch(hosts=[host_status("kv2", HostState.UP, tags=("prod",))])))
    assert view.keys == [key_of("b", "kv2")]


def test_the_column_is_there_when_somebody_uses_tags() -> None:
    plain, tagged = row("a"), row("b", facts=facts(tags=("db", "prod")))
    assert "tags" not in [column.id for column, _ in layout(200, 1, [plain])]
    grown: dict[str, int] = {}
    shown = layout(120, 1, [plain, tagged], grown)
    assert "tags" in [column.id for column, _ in shown]
    assert layout(120, 1, [plain], grown) == shown
    assert BY_ID["tags"].cell(tagged, Paint(), 20).text == "db, prod"
    assert BY_ID["tags"].sort_key(plain) is None


def test_list_prints_tags() -> None:
    record = domain("web", facts=facts(tags=("db", "prod")))
    store = store_of(record, domain("plain"))
    rows = [store.rows[record.key], store.rows[key_of("plain")]]
    assert "db, prod" in as_text(rows, store, ListOptions(), False)
    assert "TAGS" not in as_text(rows[1:], store, ListOptions(), False)
    first, second = json.loads(as_json(rows))
    assert first["tags"] == ["db", "prod"]
    assert second["tags"] is None


def test_tags_and_hosts_in_use_are_offered() -> None:
    store = store_of(
        domain("a", facts=facts(tags=("prod", "db"))), domain("b", host="kv2", facts=facts())
    )
    known = known_values(store)
    assert [offer.text for offer in complete_query("tag:", known=known)] == ["db ", "prod "]
    assert [offer.text for offer in complete_query("x tag:db,p", known=known)] == ["prod "]
    assert [offer.text for offer in complete_query("host:kv", known=known)] == ["kv1 ", "kv2 "]
    assert [offer.text for offer in complete("filter tag:d", store)] == ["db "]


@pytest.mark.parametrize(
    ("text", "add", "remove"),
    [
        ("+web -old", ("web",), ("old",)),
        ("web, db", ("web", "db"), ()),
        ("  -a:b/c@d=1.2_3  ", (), ("a:b/c@d=1.2_3",)),
        ("+über", ("über",), ()),
    ],
)
def test_changes_are_read(text: str, add: tuple[str, ...], remove: tuple[str, ...]) -> None:
    assert parse_change(text) == (add, remove)


@pytest.mark.parametrize(
    "text", ["", "  ", "+", "-", "++a", "+a -A", "+<b>", "+a\x1b[2J", "+" + "x" * 41, "+\u202eab"]
)
def test_what_is_no_tag_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(TuivmError) as caught:
        parse_change(text)
    assert caught.value.hint


def test_a_change_keeps_the_rest_and_the_spelling_that_was_there() -> None:
    assert parse_change("+WEB -DB +new").apply(("Web", "db", "x")) == ("new", "Web", "x")


def test_virsh_is_told_all_tags_and_where() -> None:
    running = row("web", facts=facts(tags=("db",)), persistent=True)
    assert action_virsh(running, "tag", {"change": "+a -db"}).endswith(
        "--key tuivm --set '<domain><tag>a</tag></domain>' --live --config"
    )
    assert action_virsh(running, "tag", {"change": "-db"}).endswith("--remove --live --config")
    assert action_virsh(row("web"), "tag", {"change": "+a"}) == ""
    transient = row("web", persistent=False, facts=facts())
    assert action_virsh(transient, "desc", {"text": "-x 'y'"}).endswith(
        """desc web --live '--new-desc=-x '"'"'y'"'"''"""
    )
    assert action_virsh(transient, "desc", {"text": "a\nb"}).endswith("desc web --live --edit")


@pytest.mark.parametrize(
    ("line", "names", "args"),
    [
        ("tag +web -old 'web*' db", ("web*", "db"), {"change": "+web -old"}),
        ("tag web-01", ("web-01",), {}),
        ("tag --live +x --domain=+odd", ("+odd",), {"live": "on", "change": "+x"}),
        ("desc web-01 two words", ("web-01",), {"text": "two words"}),
        ("desc web-01 ''", ("web-01",), {"text": ""}),
        ("desc --title web-01 T", ("web-01",), {"what": "title", "text": "T"}),
        ("title web-01", ("web-01",), {"what": "title"}),
        ("desc", (), {}),
    ],
)
def test_commands(line: str, names: tuple[str, ...], args: dict[str, str]) -> None:
    found = parse_line(line)
    assert found is not None
    assert tuple(word.text for word in found.targets) == names
    assert found.args == args


def test_tags_are_offered_after_a_sign() -> None:
    store = store_of(domain("a", facts=facts(tags=("prod", "db"))))
    assert [offer.text for offer in complete("tag +p", store)] == ["prod "]
    assert [offer.apply("tag -", 5)[0] for offer in complete("tag -", store)] == [
        "tag -db ",
        "tag -prod ",
    ]
