"""The command line: exit codes, what goes to which stream, and clear errors."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.samples import batch, domain, facts, host_status, key_of, sample
from tuivm import __version__, cli, listing
from tuivm.core.api import Batch, Focus
from tuivm.core.columns import BY_ID
from tuivm.core.errors import TuivmError
from tuivm.core.export import as_json
from tuivm.core.grouping import Grouping
from tuivm.core.launch import Launch, Origin
from tuivm.core.model import Address, HostState, State
from tuivm.core.query import QueryError
from tuivm.core.question import QuestionKind
from tuivm.core.savedview import SavedView, read_arrangement
from tuivm.grammar import build_parser
from tuivm.listing import ListOptions, as_text, run_list


def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tuivm", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **options,
    )


# -- the grammar ------------------------------------------------------------------------------


def test_help_shows_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["--help"])
    assert caught.value.code == 0
    assert "tuivm -c qemu+ssh://root@kv1/system" in capsys.readouterr().out


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert capsys.readouterr().out == f"tuivm {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--no-such-option"],
        ["no-such-command"],
        ["console"],
        ["console", "-c", "a", "-c", "b", "x"],
    ],
)
def test_a_wrong_command_line_is_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    assert "tuivm" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "uris"),
    [
        (["-c", "a", "list"], ["a"]),
        (["list", "-c", "a", "-c", "b"], ["a", "b"]),
        (["-c", "a", "list", "--connect", "b"], ["a", "b"]),
        (["list"], []),
    ],
)
def test_connections_may_stand_before_and_after_the_command(
    arguments: list[str], uris: list[str]
) -> None:
    assert cli._explicit(build_parser().parse_args(arguments)) == uris


@pytest.mark.parametrize(
    "arguments", [["--demo", "--ascii", "list"], ["list", "--demo", "--ascii"]]
)
def test_flags_may_stand_before_and_after_the_command(arguments: list[str]) -> None:
    args = build_parser().parse_args(arguments)
    assert args.demo
    assert args.ascii


def test_a_domain_with_a_leading_dash_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[Any] = []

    def fake(uris: list[str], name: str, **options: Any) -> int:
        called.append((uris, name, options))
        return 0

    monkeypatch.setattr("tuivm.backend.passthrough.run", fake)
    assert cli.main(["console", "-c", "test:///default", "--force", "--", "-x y"]) == 0
    (uris, name, options) = called[0]
    assert (uris, name) == (["test:///default"], "-x y")
    assert (options["force"], options["demo"]) == (True, False)
    assert options["leave"] == ("ctrl+right_square_bracket", "ctrl+5")


def test_the_help_of_the_console_says_what_the_end_of_the_input_does(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        cli.main(["console", "--help"])
    words = " ".join(capsys.readouterr().out.split())
    assert "The end of the input does not end the console" in words
    assert "ctrl+5 leaves" in words


# -- errors -----------------------------------------------------------------------------------


def test_a_broken_configuration_is_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "c.toml"
    file.write_text("thme = 1")
    assert cli.main(["--config", str(file), "keys"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == (
        f"tuivm: Cannot use {file}: there is no setting thme (did you mean theme?)\n"
    )


@pytest.mark.parametrize(
    "arguments", [["list", "--demo", "cpu>x"], ["--filter", "cpu>x", "--demo"]]
)
def test_a_wrong_query_is_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments) == 2
    assert "Wrong value for cpu" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["list"], ["console", "web"]])
def test_no_daemon_is_a_failure_with_a_way_on(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tuivm.backend.defaults.default_uris", lambda *given: [])
    assert cli.main(arguments) == 1
    error = capsys.readouterr().err
    assert cli.NO_DAEMON in error
    assert "-c URI" in error


def test_no_terminal_is_a_failure_with_a_way_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--demo"]) == 1
    assert "`tuivm list` prints the VMs" in capsys.readouterr().err


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    with pytest.raises(TuivmError):
        cli.main(["--debug", "--config", str(tmp_path / "missing"), "keys"])


def test_ctrl_c_has_its_own_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*given: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_run", interrupted)
    assert cli.main(["keys"]) == 130


# -- opening the program ----------------------------------------------------------------------


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[Launch]:
    launches: list[Launch] = []

    def fake(launch: Launch) -> int:
        launches.append(launch)
        return 7

    monkeypatch.setattr("tuivm.opening.run", fake)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    return launches


def test_all_options_reach_the_program(launched: list[Launch], tmp_path: Path) -> None:
    code = cli.main(
        ["-c", "test:///a", "-c", "test:///b", "--readonly", "--filter", "web", "--ascii",
         "--view", "running", "--theme", "t", "--log-file", str(tmp_path / "log"), "--debug"]
    )  # fmt: skip
    assert code == 7
    (launch,) = launched
    assert launch.uris == ("test:///a", "test:///b")
    assert not launch.demo
    assert launch.readonly
    assert launch.filter == "web"
    assert launch.view == "running"
    assert launch.ascii
    assert launch.theme == "t"
    assert launch.log_file == tmp_path / "log"
    assert launch.debug
    assert launch.banner == ""


def test_the_configuration_says_the_rest(launched: list[Launch], tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text('ascii = true\nreadonly = true\nhosts = ["test:///x"]')
    cli.main(["--config", str(file)])
    (launch,) = launched
    assert launch.uris == ("test:///x",)
    assert launch.ascii
    assert launch.readonly
    assert launch.config.path == file
    assert launch.log_file == tmp_path / "state" / "tuivm" / "tuivm.log"


def test_where_nothing_answers_the_demo_opens_and_says_so(
    launched: list[Launch], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuivm.backend.defaults.decide", lambda *given: ([], Origin.FOUND))
    cli.main([])
    (launch,) = launched
    assert launch.demo
    assert launch.uris == ()
    assert "no libvirt daemon answers" in launch.banner


def test_demo_asks_nobody_else(launched: list[Launch], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuivm.backend.defaults.decide", lambda *given: 1 / 0)
    cli.main(["--demo"])
    (launch,) = launched
    assert launch.demo
    assert launch.uris == ()
    assert launch.banner == ""


# -- list, for real ---------------------------------------------------------------------------


def test_the_list_of_the_test_driver() -> None:
    result = run("list", "-c", "test:///default")
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    header, line = result.stdout.splitlines()
    assert header.split()[:3] == ["STATE", "NAME", "MEM"]
    assert line.split()[:3] == ["●", "running", "test"]


def test_the_list_as_json() -> None:
    result = run("-c", "test:///default", "list", "--json", "name=test")
    (entry,) = json.loads(result.stdout)
    assert entry["name"] == "test"
    assert entry["state"] == "running"
    assert entry["uri"] == "test:///default"
    assert entry["vcpus"] == 2


def test_no_match_prints_nothing_and_is_no_failure() -> None:
    result = run("list", "-c", "test:///default", "no-such-vm")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    result = run("list", "-c", "test:///default", "no-such-vm", "--json")
    assert json.loads(result.stdout) == []


def test_columns_order_and_csv_of_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    fleet = batch(
        domain("a", facts=facts(memory_max=1 << 30)),
        domain("b", facts=facts(memory_max=2 << 30)),
        hosts=[host_status()],
    )
    assert listed(Script(fleet), columns=("vcpu", "name"), sort=("name", True)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in lines] == ["NAME", "b", "a"]
    assert lines[0].startswith("VCPU")
    assert listed(Script(fleet), as_csv=True, columns=("host", "name")) == 0
    assert capsys.readouterr().out.splitlines() == ["host,name", "kv1,a", "kv1,b"]


def test_a_saved_view_gives_filter_order_and_columns(capsys: pytest.CaptureFixture[str]) -> None:
    fleet = batch(
        domain("a", facts=facts(memory_max=1 << 30)),
        domain("b", facts=facts(memory_max=2 << 30)),
        domain("c", State.OFF),
        hosts=[host_status()],
    )
    columns = read_arrangement({"order": ["vcpu", "name"], "hidden": [*BY_ID.keys() - _THREE]})
    saved = SavedView("x", "state:running", descending=True, columns=columns)
    assert listed(Script(fleet), view=saved) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["VCPU", "NAME", "MEM"]
    assert [line.split()[1] for line in lines[1:]] == ["b", "a"]
    assert listed(Script(fleet), query="a", view=saved, as_csv=True) == 0
    assert capsys.readouterr().out.splitlines()[0] == "vcpus,name,memory_used,memory_max"
    assert listed(Script(fleet), view=saved, sort=("name", False), columns=("name",)) == 0
    assert capsys.readouterr().out.split() == ["NAME", "a", "b"]
    assert listed(Script(fleet), view=saved, width=12) == 0
    assert capsys.readouterr().out.splitlines()[0].split() == ["VCPU", "NAME"]


_THREE = {"name", "vcpu", "mem"}


def test_a_saved_view_groups_the_table_and_nothing_else(
    capsys: pytest.CaptureFixture[str],
) -> None:
    fleet = batch(
        domain("a", State.OFF, facts=facts(tags=("db",))),
        domain("b", facts=facts(), host="kv2"),
        domain("c", facts=facts(tags=("db",))),
        domain("d", State.CRASHED, facts=facts(), host="kv2"),
        hosts=[host_status("kv2"), host_status(), host_status("kv3")],
    )
    columns: dict[str, Any] = {"columns": ("name", "state")}
    view = SavedView("x", group=Grouping.HOST, descending=True)
    assert listed(Script(fleet), view=view, **columns) == 0
    assert capsys.readouterr().out.splitlines() == [
        "NAME  STATE",
        "kv2: 2 VMs · 1 running · 1 fault",
        "d     ✗ crashed",
        "b     ● running",
        "",
        "kv1: 2 VMs · 1 running",
        "c     ● running",
        "a     ○ off",
    ]
    listed(Script(fleet), view=SavedView("x", group=Grouping.TAG), query="a", width=6, **columns)
    assert capsys.readouterr().out.splitlines() == ["NAME …", "db: 1…", "a    …"]
    listed(Script(fleet), view=view, as_csv=True, columns=("name",))
    assert capsys.readouterr().out.split() == ["name", "d", "c", "b", "a"]
    listed(Script(fleet), view=view, as_json=True)
    assert [one["name"] for one in json.loads(capsys.readouterr().out)] == ["d", "c", "b", "a"]


@pytest.mark.parametrize("arguments", [["--view", "runing", "list"], ["list", "--view", "runing"]])
def test_a_view_that_is_not_there_is_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["--demo", *arguments]) == 2
    assert "did you mean running?" in capsys.readouterr().err


def test_csv_for_real_and_without_textual() -> None:
    result = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from tuivm.cli import main; "
            "main(['list', '-c', 'test:///default', '--csv', '--columns', 'name,state']); "
            "print('textual' in sys.modules)",
        ],
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert result.stdout == b"name,state_text\r\ntest,running\r\nFalse\n"


@pytest.mark.parametrize(
    "arguments", [["--columns", "nome"], ["--sort", "nome"], ["--json", "--columns", "name"]]
)
def test_a_wrong_column_is_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["list", "--demo", *arguments])
    assert caught.value.code == 2
    assert "column" in capsys.readouterr().err


def test_a_host_that_fails_is_named_and_the_others_are_listed() -> None:
    result = run("list", "-c", "test:///default", "-c", "test:///no/such/file.xml")
    assert result.returncode == 1
    assert " test " in result.stdout
    assert "test:///no/such/file.xml" in result.stderr
    assert "Traceback" not in result.stderr


def test_hosts_that_do_not_connect_by_themselves_are_listed_when_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LIBVIRT_DEFAULT_URI", raising=False)
    node = tmp_path / "node.xml"
    node.write_text(
        "<node><domain type='test'><name>far</name><memory>8192</memory>"
        "<os><type>hvm</type></os></domain></node>"
    )
    file = tmp_path / "c.toml"
    file.write_text(
        '[[hosts]]\nname = "near"\nuri = "test:///default"\n'
        f'[[hosts]]\nname = "cold"\nuri = "test://{node}"\nautoconnect = false\n'
    )
    words = ["--config", str(file), "list", "--csv", "--columns", "host,name"]
    result = run(*words)
    assert (result.returncode, result.stdout.split()) == (0, ["host,name", "near,test"])
    assert "not asked, as autoconnect is false: cold (" in result.stderr
    result = run(*words, "--all-hosts")
    assert result.stdout.split() == ["host,name", "cold,far", "near,test"]
    assert (result.returncode, result.stderr) == (0, "")


def test_a_reader_that_goes_away_is_no_error() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tuivm", "keys"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 0


def test_a_locale_without_unicode_gets_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
    result = run("list", "-c", "test:///default")
    assert result.returncode == 0
    assert result.stdout.splitlines()[1].startswith("* running")


# -- list, with a backend that does as it is told ---------------------------------------------


class Script:
    """A backend that delivers prepared batches, one a drain."""

    def __init__(self, *batches: Batch) -> None:
        self.batches = list(batches)
        self.focused: list[Focus] = []
        self.stopped = False

    def start(self, wake: Any) -> None:
        self.wake = wake

    def drain(self) -> Batch:
        result = self.batches.pop(0) if self.batches else Batch()
        if self.batches:
            self.wake()
        return result

    def focus(self, focus: Focus) -> None:
        self.focused.append(focus)

    def stop(self, grace: float) -> bool:
        self.stopped = True
        return True


def listed(script: Script, **options: Any) -> int:
    return run_list(script, ListOptions(**options))  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONNECT_SECONDS", "FACTS_SECONDS", "RATES_SECONDS", "ADDRESS_SECONDS"):
        monkeypatch.setattr(listing, name, 0.2)


def test_facts_are_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    described = domain("web", facts=facts(vcpus=4, title="Shop"), autostart=True)
    script = Script(
        batch(hosts=[host_status(state=HostState.SYNCING)]),
        batch(domain("web"), hosts=[host_status()]),
        batch(described),
    )
    assert listed(script) == 0
    assert script.focused == [Focus(visible=(key_of("web"),))]
    assert script.stopped
    line = capsys.readouterr().out.splitlines()[1]
    assert {"web", "4", "on", "Shop"} <= set(line.split())


def test_rates_are_waited_for_and_shown_when_asked_about(
    capsys: pytest.CaptureFixture[str],
) -> None:
    described = domain("web", facts=facts())
    script = Script(
        batch(described, hosts=[host_status()]),
        Batch(stats={key_of("web"): sample(1.0)}),
        Batch(stats={key_of("web"): sample(2.0, cpu=80.0, disk_read=1e6)}),
    )
    assert listed(script, query="cpu>50") == 0
    header, line = capsys.readouterr().out.splitlines()
    assert {"CPU%", "DISK", "NET"} <= set(header.split())
    assert "80.0" in line


def test_a_host_without_an_answer_fails_in_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    script = Script(batch(hosts=[host_status(state=HostState.CONNECTING)]))
    assert listed(script) == 1
    assert "no answer within" in capsys.readouterr().err


def test_a_host_that_wants_a_password_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    waiting = host_status(state=HostState.NEEDS_AUTH, wants=QuestionKind.PASSWORD)
    script = Script(batch(hosts=[waiting]))
    assert listed(script) == 1
    assert "needs a password" in capsys.readouterr().err


def test_why_a_host_failed_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    why = TuivmError("Cannot connect to qemu://kv1/system", "nothing listens", hint="start it")
    lost = host_status(state=HostState.LOST, uri="qemu://kv1/system", error=why)
    assert listed(Script(batch(hosts=[lost]))) == 1
    line = "tuivm: kv1 (qemu://kv1/system): nothing listens (start it)\n"
    assert capsys.readouterr().err == line


def test_hosts_that_were_not_asked_are_named_in_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    off = [host_status(f"kv{number}", HostState.DISABLED) for number in range(2, 5)]
    assert listed(Script(batch(domain("web"), hosts=[host_status(), *off])), as_json=True) == 0
    captured = capsys.readouterr()
    assert [entry["name"] for entry in json.loads(captured.out)] == ["web"]
    assert captured.err == (
        "tuivm: not asked, as autoconnect is false: kv2, kv3, kv4 (--all-hosts asks them too)\n"
    )
    off += [host_status(f"kv{number}", HostState.DISABLED) for number in range(5, 42)]
    listed(Script(batch(domain("web"), hosts=[host_status(), *off])))
    assert "kv5, kv6 and 35 more (" in capsys.readouterr().err


def test_no_host_asked_is_not_no_vm(capsys: pytest.CaptureFixture[str]) -> None:
    off = host_status(state=HostState.DISABLED)
    assert listed(Script(batch(hosts=[off])), as_json=True) == 1
    captured = capsys.readouterr()
    assert json.loads(captured.out) == []
    assert "--all-hosts" in captured.err


def test_the_backend_is_stopped_whatever_happens() -> None:
    script = Script(batch(domain(), hosts=[host_status()]))
    with pytest.raises(QueryError):
        listed(script, query="cpu>x")
    assert script.stopped


def test_lines_fit_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    fleet = batch(
        domain("w" * 30, facts=facts(title="t" * 100, memory_max=1 << 30, vcpus=2)),
        domain("db", State.OFF, host="kv2", facts=facts()),
        hosts=[host_status(), host_status("kv2")],
    )
    for width in (40, 60, 80, 100, 200):
        listed(Script(fleet), width=width)
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 3
        assert all(len(line) <= width for line in lines)
        assert "NAME" in lines[0]
        assert ("HOST" in lines[0]) == (width >= 60)
    listed(Script(fleet))
    assert "t" * 100 in capsys.readouterr().out


def test_an_unknown_value_is_null_in_json() -> None:
    script = Script(batch(domain("größe\ufffd"), hosts=[host_status()]))
    probe = listing.Listing(script)  # type: ignore[arg-type]
    probe.collect(False)
    (entry,) = json.loads(as_json(list(probe.store.rows.values())))
    assert entry["name"] == "größe\ufffd"
    for name in ("title", "vcpus", "cpu", "uptime", "uptime_exact", "autostart", "memory_used"):
        assert entry[name] is None, name


def test_addresses_in_json() -> None:
    found = domain(addresses=(Address("10.0.0.1", "aa", "lease"),), started_at=0.0)
    probe = listing.Listing(Script(batch(found, hosts=[host_status()])))  # type: ignore[arg-type]
    probe.collect(False)
    rows = list(probe.store.rows.values())
    (entry,) = json.loads(as_json(rows))
    assert entry["addresses"] == [{"ip": "10.0.0.1", "mac": "aa", "source": "lease"}]
    assert entry["uptime_exact"] is True
    assert as_text([], probe.store, ListOptions(), False) == ""
