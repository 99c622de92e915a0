"""What the configuration says of a host: checked, and one host a connection."""

from __future__ import annotations

from pathlib import Path

import pytest

from tuivm.core.config import ConfigError, HostConfig, read_text
from tuivm.core.errors import TuivmError
from tuivm.core.hostconfig import read_tags, same_uri

FILE = Path("config.toml")


def test_all_of_a_host() -> None:
    config = read_text(
        """
[[hosts]]
uri = "qemu+ssh://root@kv1/system"
name = "kv1"
readonly = true
colour = "red"
tags = ["prod", "rack-3"]
autoconnect = false
""",
        FILE,
    )
    kv1 = HostConfig(
        "qemu+ssh://root@kv1/system", "kv1", True, "red", ("prod", "rack-3"), autoconnect=False
    )
    assert config.hosts == (kv1,)
    assert config.host("qemu+ssh://root@KV1/system") == kv1
    assert config.host("qemu+ssh://kv1/system") is None


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("colour = 'pink'", "hosts[1].colour is 'pink'", "one of red, green"),
        ("colour = 5", "hosts[1].colour is 5", "a text"),
        ("tags = 'prod'", "hosts[1].tags is 'prod'", "a list of words"),
        ("tags = ['two words']", "hosts[1].tags is 'two words'", "words without blanks"),
        ("tags = [5]", "hosts[1].tags is 5", "words"),
        ("autoconnect = 1", "hosts[1].autoconnect is 1", "true or false"),
        ("color = 'red'", "hosts[1].color", "hosts[1].colour?"),
        ("[[hosts]]\nuri = 'qemu://A/x'", "hosts[2].uri is that of hosts[1]", "remove one"),
    ],
)
def test_what_is_wrong_is_named(text: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_text(f"[[hosts]]\nuri = 'qemu://a/x'\n{text}", FILE)
    assert "config.toml" in caught.value.title
    assert message in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("qemu:///system", " qemu:///system ", True),
        ("qemu+ssh://Root@Kv1/system", "qemu+ssh://Root@kv1/system", True),
        ("qemu+ssh://Root@kv1/system", "qemu+ssh://root@kv1/system", False),
        ("qemu:///system", "qemu:///session", False),
        ("test:///a", "test:///A", False),
        ("qemu://[broken", "qemu://[broken", True),
    ],
)
def test_two_ways_to_write_one_uri(one: str, other: str, same: bool) -> None:
    assert same_uri(one, other) is same


def test_tags_are_words() -> None:
    assert read_tags(" prod, rack-3  PROD") == ("prod", "rack-3")
    assert read_tags("") == ()
    with pytest.raises(TuivmError, match="Wrong tag"):
        read_tags("prod -x")
