"""What ssh and virsh are called with: never a word that they could take for something else."""

from __future__ import annotations

import pytest

from tuivm.core.commands import Invocation, parse
from tuivm.core.errors import TuivmError
from tuivm.core.programs import Jump, jump_host, ssh, virsh


def argv(user: str, address: str = "192.0.2.7", jump: str = "") -> tuple[str, ...]:
    return ssh(user, address, name="web", host="kv1", uuid="u", jump=jump).argv


def test_ssh_gets_its_words_one_by_one() -> None:
    assert argv("root") == ("ssh", "-o", "ConnectTimeout=15", "-l", "root", "--", "192.0.2.7")
    assert argv(" a'b\"c$x ")[-3:] == ("a'b\"c$x", "--", "192.0.2.7")
    assert argv("root", "2001:db8::7")[-1] == "2001:db8::7"
    assert argv("root", jump="root@kv1:22")[3:5] == ("-J", "root@kv1:22")


@pytest.mark.parametrize("user", ["", "  ", "-oProxyCommand=x", "two words", "a\nb", "a\0b"])
def test_no_user_name_is_an_option_or_two_words(user: str) -> None:
    with pytest.raises(TuivmError) as caught:
        argv(user)
    assert "user name" in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("address", ["", "-oProxyCommand=x", "web-01", "1.2.3", "1.2.3.4; id"])
def test_only_an_address_is_an_address(address: str) -> None:
    with pytest.raises(TuivmError):
        argv("root", address)


@pytest.mark.parametrize(
    ("uri", "jump"),
    [
        ("qemu:///system", None),
        ("qemu+unix:///system?socket=/run/x", None),
        ("test:///default", None),
        ("qemu+ssh://root@kv1/system", Jump("root@kv1", True)),
        ("qemu+ssh://kv1.example:2222/system?keyfile=/k", Jump("kv1.example:2222", True)),
        ("qemu+libssh2://root@[2001:db8::1]/system", Jump("root@[2001:db8::1]", True)),
        ("qemu+tls://kv1:16514/system", Jump("kv1", False)),
        ("qemu+ssh://-oProxyCommand=x/system", None),
        ("qemu+ssh://kv1:port/system", None),
        ("", None),
    ],
)
def test_the_way_to_a_remote_hosts_guests(uri: str, jump: Jump | None) -> None:
    assert jump_host(uri) == jump


def test_virsh_with_and_without_a_command() -> None:
    shell = virsh("qemu+ssh://kv1/system", host="kv1")
    assert shell.argv == ("virsh", "-c", "qemu+ssh://kv1/system")
    assert shell.title == "virsh shell"
    one = virsh("qemu:///system", ["dominfo", "a b"], host="kv1", readonly=True)
    assert one.argv == ("virsh", "-c", "qemu:///system", "-r", "dominfo", "a b")


def test_arguments_of_virsh_are_kept_out_of_the_log() -> None:
    program = virsh("qemu:///system", ["secret-set-value", "uuid", "aHVzaA=="], host="kv1")
    assert "aHVzaA==" in program.argv
    assert program.shown == "virsh -c qemu:///system secret-set-value …"
    assert program.title == "virsh secret-set-value"


@pytest.mark.parametrize(
    ("line", "invocation"),
    [
        ("virsh", Invocation("view.virsh", args={"line": ""})),
        ("virsh list --all", Invocation("view.virsh", args={"line": "list --all"})),
        (
            "virsh  dominfo 'a  b' --x=y",
            Invocation("view.virsh", args={"line": "dominfo 'a  b' --x=y"}),
        ),
        ("run", Invocation("view.run", args={"line": ""})),
        (
            "run journalctl -u 'a b' | tail -3; false",
            Invocation("view.run", args={"line": "journalctl -u 'a b' | tail -3; false"}),
        ),
    ],
)
def test_the_rest_of_the_line_is_theirs(line: str, invocation: Invocation) -> None:
    assert parse(line) == invocation


def test_ssh_by_name_and_user() -> None:
    found = parse("ssh web-01 --user admin")
    assert found is not None
    assert found.action_id == "view.ssh"
    assert [word.text for word in found.targets] == ["web-01"]
    assert found.args == {"user": "admin"}
