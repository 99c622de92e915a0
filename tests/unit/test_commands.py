"""The command line takes what virsh takes, and explains what it cannot."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.samples import domain, facts, host_status, key_of, store_of
from tuivm.core.actions import ACTIONS
from tuivm.core.columns import BY_ID
from tuivm.core.commands import CommandError, Invocation, parse, resolve
from tuivm.core.completion import complete, complete_query
from tuivm.core.model import State
from tuivm.core.query import parse as parse_query
from tuivm.core.store import Store
from tuivm.core.verbs import COMMANDS, LIST_FILTERS, NAMES
from tuivm.core.words import Word, quote, split


def understood(line: str) -> tuple[str, tuple[str, ...], dict[str, str]]:
    found = parse(line)
    assert found is not None
    return found.action_id, tuple(word.text for word in found.targets), found.args


# -- words ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        ("  a  b ", ["a", "b"]),
        ("'a b' c", ["a b", "c"]),
        ('"a \\" b"', ['a " b']),
        ('"a\\b"', ["a\\b"]),
        ("'a\\'", ["a\\"]),
        ("a\\ b", ["a b"]),
        ("a'b'\"c\"", ["abc"]),
        ("''", [""]),
        ("'open end", ["open end"]),
        ("end\\", ["end\\"]),
    ],
)
def test_words(line: str, words: list[str]) -> None:
    assert [word.text for word in split(line)] == words


def test_words_know_their_place() -> None:
    assert split(" a 'b c") == [
        Word("a", 1, 2, False, True),
        Word("b c", 3, 7, True, False),
    ]


@given(st.text(max_size=30))
def test_a_quoted_name_comes_back_as_one_literal_word(name: str) -> None:
    words = split(f"start {quote(name)} next")
    assert [word.text for word in words] == ["start", name, "next"]
    if name.startswith("-") or "*" in name:
        assert words[1].quoted


@given(st.text())
def test_any_line_splits(line: str) -> None:
    words = split(line)
    assert all(line[word.start : word.end] for word in words)


# -- virsh's verbs ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("start web*", ("domain.start", ("web*",), {})),
        (":start web01", ("domain.start", ("web01",), {})),
        ("start", ("domain.start", (), {})),
        ("start web01 --paused", ("domain.start_paused", ("web01",), {})),
        ("start --console web01", ("view.console_boot", ("web01",), {})),
        ("start web --force-boot", ("domain.boot_fresh", ("web",), {})),
        ("start web --bypass-cache", ("domain.start", ("web",), {"bypass-cache": "on"})),
        ("shutdown web01 --mode acpi", ("domain.shutdown", ("web01",), {"mode": "acpi"})),
        ("shutdown --mode=acpi,agent a b", ("domain.shutdown", ("a", "b"), {"mode": "acpi,agent"})),
        ("reboot --domain web01", ("domain.reboot", ("web01",), {})),
        ("reboot --domain=-x", ("domain.reboot", ("-x",), {})),
        ("reset -- -x --y", ("domain.reset", ("-x", "--y"), {})),
        ("reset '-x'", ("domain.reset", ("-x",), {})),
        ("destroy --graceful 'a b'", ("domain.destroy", ("a b",), {"graceful": "on"})),
        ("suspend a", ("domain.suspend", ("a",), {})),
        ("pause a", ("domain.suspend", ("a",), {})),
        ("resume a", ("domain.resume", ("a",), {})),
        (
            "undefine a --managed-save --snapshots-metadata --checkpoints-metadata --keep-nvram",
            ("domain.undefine", ("a",), {}),
        ),
        ("undefine a --nvram --tpm", ("domain.undefine", ("a",), {"nvram": "on", "tpm": "on"})),
        ("autostart a", ("domain.autostart_on", ("a",), {})),
        ("columns", ("list.columns", (), {})),
        ("view it's  mine ", ("list.views", (), {"view": "it's  mine"})),
        ("views", ("list.views", (), {"view": ""})),
        ("autostart --disable a", ("domain.autostart_off", ("a",), {})),
        ("managedsave a --running", ("domain.managedsave", ("a",), {"running": "on"})),
        ("managedsave-remove a", ("domain.managedsave_remove", ("a",), {})),
        ("send-key a KEY_A 30", ("domain.send_key", ("a",), {"keys": "KEY_A 30"})),
        ("send-key ctrl-alt-del", ("domain.send_key", (), {"keys": "ctrl-alt-del"})),
        (
            "send-key --codeset linux --holdtime 5 a 28",
            ("domain.send_key", ("a",), {"codeset": "linux", "holdtime": "5", "keys": "28"}),
        ),
        ("inject-nmi a", ("domain.inject_nmi", ("a",), {})),
        ("console a --safe", ("view.console", ("a",), {})),
        ("dumpxml a", ("view.xml", ("a",), {})),
        ("dominfo a", ("view.details", ("a",), {"tab": "overview"})),
        ("domblklist a", ("view.details", ("a",), {"tab": "devices"})),
        ("domstats", ("view.details", (), {"tab": "performance"})),
        ("domuuid a", ("view.details", ("a",), {"tab": "overview"})),
        ("list", ("app.filter", (), {"query": "state:active"})),
        ("list --all", ("app.filter", (), {"query": ""})),
        ("list --all --title --name", ("app.filter", (), {"query": ""})),
        ("list --inactive", ("app.filter", (), {"query": "state:inactive"})),
        ("list --state-running --state-paused",
         ("app.filter", (), {"query": "state:running,paused"})),
        ("list --all --autostart --transient",
         ("app.filter", (), {"query": "autostart:yes persistent:no"})),
        ("filter 'a b' cpu>5", ("app.filter", (), {"query": "'a b' cpu>5"})),
        ("filter", ("app.filter", (), {"query": ""})),
        ("sort", ("list.sort", (), {})),
        ("sort CPU", ("list.sort", (), {"column": "cpu"})),
        ("sort up desc", ("list.sort", (), {"column": "uptime", "descending": "on"})),
        ("sort name ASC", ("list.sort", (), {"column": "name", "descending": "off"})),
        ("group", ("list.group", (), {})),
        ("group Hosts", ("list.group", (), {"grouping": "host"})),
        ("group none", ("list.group", (), {"grouping": "none"})),
        ("fold --all", ("list.fold_all", (), {})),
        ("mark web*", ("list.mark", ("web*",), {})),
        ("copy a", ("view.copy", ("a",), {})),
        ("vm", ("view.vms", (), {})),
        ("hosts", ("view.hosts", (), {})),
        ("host-add", ("host.add", (), {})),
        ('host-forget "k v"', ("host.forget", (), {"host": "k v"})),
        ("host-connect kv2", ("host.toggle", (), {"host": "kv2", "to": "on"})),
        ("host-disconnect", ("host.toggle", (), {"to": "off"})),
        ("events", ("view.events", (), {})),
        ("help", ("app.help", (), {})),
        ("q", ("app.quit", (), {})),
    ],
)  # fmt: skip
def test_what_is_understood(
    line: str, expected: tuple[str, tuple[str, ...], dict[str, str]]
) -> None:
    assert understood(line) == expected


@pytest.mark.parametrize("line", ["", "   "])
def test_nothing_is_nothing(line: str) -> None:
    assert parse(line) is None


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("strat web", "there is no strat", "did you mean start?"),
        ("xyzzy", "there is no xyzzy", "tab lists them all"),
        ("net-list", "in a later release", "virsh net-list"),
        ("shutdown a --mod acpi", "no option --mod", "did you mean --mode?"),
        ("shutdown a --mode apci", "--mode cannot be apci", "did you mean acpi?"),
        ("shutdown a --mode acpi,", "--mode cannot be nothing", "acpi, agent"),
        ("shutdown a --mode", "--mode needs a value", "after --mode"),
        ("start --domain", "--domain needs a value", ""),
        ("reset --hard", "no option --hard", "it takes none"),
        ("start -x", "no option --x", "in quotes"),
        ("start --paused=yes", "takes no value", "--paused alone"),
        ("start --paused --console", "does not go with", "one of them"),
        ("undefine a --remove-all-storage", "is not here", "disks are never deleted"),
        ("dumpxml a --inactive", "is not here", "i in the view"),
        ("console a --force", "is not here", "take it over"),
        ("dumpxml a --security-info", "is not here", "never shown"),
        ("list web", "takes options, not web", "/ filters"),
        ("hosts kv1", "takes no kv1", ""),
        ("send-key web", "needs keys", "KEY_LEFTCTRL"),
        ("send-key", "needs keys", ""),
        ("sort colour", "no column colour", "columns: state"),
        ("sort nam", "no column nam", "did you mean name?"),
        ("sort cpu up", "up is not a direction", "asc or desc"),
        ("sort cpu asc x", "x is not a direction", "asc or desc"),
        ("group hots", "nothing is grouped by hots", "host"),
        ("\x1b[2J", "there is no \ufffd[2J", ""),
    ],
)
def test_what_is_not_understood_is_explained(line: str, message: str, hint: str) -> None:
    with pytest.raises(CommandError) as caught:
        parse(line)
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.title
    assert caught.value.hint


@given(st.text(st.sampled_from("start list-key =--' \"*web\\:q")) | st.text())
def test_any_line_is_understood_or_explained(line: str) -> None:
    problem: CommandError | None = None
    try:
        found = parse(line)
    except CommandError as error:
        problem = error
    else:
        assert found is None or found.action_id in ACTIONS
    assert problem is None or str(problem).isprintable()


def test_every_command_means_an_action_and_explains_itself() -> None:
    for command in COMMANDS.values():
        assert command.action_id in ACTIONS, command.name
        assert command.help
        for option in command.options:
            assert option.help
            assert not option.action_id or option.action_id in ACTIONS
    aliases = [name for command in COMMANDS.values() for name in (command.name, *command.aliases)]
    assert len(aliases) == len(set(aliases)) == len(NAMES)


def test_every_verb_has_a_command() -> None:
    reached = {command.action_id for command in COMMANDS.values()}
    reached |= {option.action_id for command in COMMANDS.values() for option in command.options}
    verbs = {action.id for action in ACTIONS.values() if action.verb}
    assert verbs - reached == {"domain.autostart", "domain.pause_toggle"}, "keys that toggle"


def test_lists_options_are_good_filters() -> None:
    for query, _ in LIST_FILTERS.values():
        parse_query(query)


# -- names ------------------------------------------------------------------------------------


def fleet() -> Store:
    return store_of(
        domain("web-10"),
        domain("web-2"),
        domain("a b", State.OFF),
        domain("-x", State.OFF),
        domain("[odd]*", State.OFF),
        domain("7", State.OFF),
        domain("db", id=42),
        domain("both"),
        domain("both", host="kv2"),
        domain("solo", host="kv2", id=99),
    )


def found(line: str) -> list[str]:
    store = fleet()
    invocation = parse(line)
    assert isinstance(invocation, Invocation)
    keys = resolve(invocation.targets, store.rows)
    return [f"{store.rows[key].domain.name}@{key.host}" for key in keys]


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("start web*", ["web-2@kv1", "web-10@kv1"]),
        ("start web-10 web-1* web-2", ["web-2@kv1", "web-10@kv1"]),
        ("start 'a b'", ["a b@kv1"]),
        ("start '-x'", ["-x@kv1"]),
        ("start [odd]*", ["[odd]*@kv1"]),
        ("start '[odd]*'", ["[odd]*@kv1"]),
        ("start [do]b", ["db@kv1"]),
        ("start 42", ["db@kv1"]),
        ("start 7", ["7@kv1"]),
        ("start kv2/both", ["both@kv2"]),
        ("start kv2/*", ["both@kv2", "solo@kv2"]),
        ("start both* solo", ["both@kv1", "both@kv2", "solo@kv2"]),
        (f"start {key_of('db').uuid.upper()}", ["db@kv1"]),
        ("start", []),
    ],
)
def test_names_are_found(line: str, names: list[str]) -> None:
    assert found(line) == names


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("start wbe-2", "there is no wbe-2", "did you mean web-2?"),
        ("start zzz*", "no name matches zzz*", "tab"),
        ("start 'web*'", "there is no web*", ""),
        ("start nothing-like-it", "there is no nothing-like-it", "tab"),
        ("start both", "is the name of 2 VMs", "kv1/both or kv2/both"),
    ],
)
def test_names_that_are_not_found_are_explained(line: str, message: str, hint: str) -> None:
    with pytest.raises(CommandError) as caught:
        found(line)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_two_domains_of_one_name_on_one_host_are_told_apart_by_uuid() -> None:
    store = store_of(domain("x"), domain("y"))
    first, second = store.rows.values()
    # Names are unique on a host, yet a sanitised name can stand for several.
    twin = store.rows[second.key]
    twin.domain = twin.domain._replace(name="x")
    with pytest.raises(CommandError) as caught:
        resolve(split("x"), store.rows)
    assert first.key.uuid in caught.value.hint


# -- completion -------------------------------------------------------------------------------


def offers(line: str, store: Store | None = None) -> list[str]:
    store = fleet() if store is None else store
    return [offer.apply(line, len(line))[0] for offer in complete(line, store)]


@pytest.mark.parametrize(
    ("line", "first"),
    [
        ("", "start "),
        ("sh", "shutdown "),
        (":sh", ":shutdown "),
        ("pau", "suspend "),
        ("start web", "start web-2 "),
        ("start --p", "start --paused "),
        ("start 'a", "start 'a b' "),
        ("start a", "start 'a b' "),
        ("start -", "start --paused "),
        ("start x", "start '-x' "),
        ("start kv2/b", "start kv2/both "),
        ("shutdown web-2 --mode ", "shutdown web-2 --mode acpi "),
        ("shutdown --mode=ag", "shutdown --mode=agent "),
        ("sort ", "sort state "),
        ("sort c", "sort cpu "),
        ("group s", "group state "),
        ("sort cpu d", "sort cpu desc "),
        ("filter sta", "filter state:"),
        ("filter web state:ru", "filter web state:running "),
        ("list --in", "list --inactive "),
        ("list ", "list --all "),
    ],
)
def test_the_first_offer(line: str, first: str) -> None:
    assert offers(line)[0] == first


def test_what_can_be_started_is_offered_first() -> None:
    store = store_of(domain("a"), domain("b", State.OFF), domain("c"))
    assert offers("start ", store) == ["start b ", "start a ", "start c "]
    assert offers("shutdown ", store) == ["shutdown a ", "shutdown c ", "shutdown b "]
    assert offers("shutdown a ", store) == ["shutdown a c ", "shutdown a b "]


def test_given_options_and_unknown_commands_offer_nothing_more() -> None:
    assert offers("start --paused --p") == []
    assert offers("xyzzy a") == []
    assert offers("hosts ") == []
    assert offers("host-edit k") == ["host-edit kv1 ", "host-edit kv2 "]


def test_offers_say_what_they_are() -> None:
    store = fleet()
    (offer,) = complete("start solo", store)
    assert offer.help == "running, kv2"
    (offer,) = complete("start a", store_of(domain("a", State.OFF)))
    assert offer.help == "off"


def test_the_cursor_may_stand_inside_the_line() -> None:
    line = "start we --paused"
    offer = complete(line, fleet(), 8)[0]
    assert offer.apply(line, 8) == ("start web-2  --paused", 12)


@given(st.text(st.sampled_from("start list-key =--' \"*web\\:q"), max_size=20), st.integers(0, 20))
def test_completion_never_fails(line: str, cursor: int) -> None:
    for offer in complete(line, fleet(), min(cursor, len(line))):
        taken, place = offer.apply(line, min(cursor, len(line)))
        assert 0 <= place <= len(taken)


def test_names_with_quotes_come_back_through_the_offer() -> None:
    store = store_of(domain("""it's "one" \\"""))
    (line,) = offers("start it", store)
    invocation = parse(line)
    assert invocation is not None
    assert len(resolve(invocation.targets, store.rows)) == 1


def test_the_filters_offers() -> None:
    assert [offer.text for offer in complete_query("ma")] == ["mac:", "maxmem:"]
    assert [offer.text for offer in complete_query("x !sta", 4)][:1] == ["state:"]
    assert [offer.text for offer in complete_query("state:off,pa")] == ["paused "]
    assert [offer.text for offer in complete_query("autostart:")] == ["yes ", "no "]
    assert complete_query("name:x") == []
    assert complete_query("colour:r") == []
    (offer,) = complete_query("a|!autos")
    assert offer.apply("a|!autos", 8) == ("a|!autostart:", 13)


def test_a_thousand_names_are_offered_quickly() -> None:
    store = store_of(*(domain(f"vm-{number}", facts=facts()) for number in range(3000)))
    assert len(complete("start vm", store)) == 200


def test_sort_offers_every_column() -> None:
    assert [offer.text.strip() for offer in complete("sort ", fleet())] == list(BY_ID)
    assert host_status().id == "kv1"


def test_view_offers_the_saved_views() -> None:
    names = ("all", "my webs")
    for line, offered in (("view ", [*names]), ("view my w", ["my webs"]), ("view x", [])):
        offers = complete(line, fleet(), views=names)
        assert [offer.text for offer in offers] == offered
        assert all(offer.apply(line, len(line))[0] == f"view {offer.text}" for offer in offers)
