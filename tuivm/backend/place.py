"""Where a URI leads: which host, as whom, by what transport."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs

from tuivm.backend.connection import split_uri
from tuivm.core.text import sanitise


@dataclass(frozen=True, slots=True)
class Place:
    """The parts of a URI that explanations name; all but ``uri`` sanitised."""

    uri: str
    """As it was given."""
    driver: str
    transport: str
    """``unix`` where the URI names none; a remote one without a transport is TLS."""
    host: str
    """Empty for this machine's own sockets."""
    user: str
    port: int | None
    session: bool

    @classmethod
    def of(cls, uri: str) -> Place:
        """Take a URI apart; what is broken in it stays empty."""
        parts = split_uri(uri)
        driver, _, transport = parts.scheme.partition("+")
        match = re.match(r"[^/]*//(?:([^@/]*)@)?(\[[^\]/]*\]|[^/:?]*)(?::(\d+))?", uri)
        user, host, port = match.groups() if match else ("", "", None)
        host = "" if transport == "unix" else sanitise(host.strip("[]"), 80)
        return cls(
            uri,
            sanitise(driver, 40),
            sanitise(transport, 40) or ("tls" if host else "unix"),
            host,
            sanitise(user or "", 80),
            int(port) if port else None,
            parts.path == "/session",
        )

    def option(self, name: str) -> str:
        """A parameter after the ``?``, as it was given; empty without it."""
        return parse_qs(split_uri(self.uri).query).get(name, [""])[0]

    @property
    def by_hand(self) -> str:
        """What ssh is given to get there: a user and a port where the URI has them."""
        login = f"{self.user}@{self.host}" if self.user else self.host
        return f"-p {self.port} {login}" if self.port else login
