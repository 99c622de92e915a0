"""The one exception that crosses layers: what failed, why, and what to do next."""

from __future__ import annotations


class TuivmError(Exception):
    """A failure in a user's terms.

    Every text is sanitised by whoever raises it. ``str()`` gives one line for a
    terminal: the title, the cause, and the next step.
    """

    def __init__(
        self,
        title: str,
        message: str = "",
        *,
        hint: str = "",
        code: int | None = None,
        domain: int | None = None,
        call: str = "",
        raw: str = "",
    ) -> None:
        super().__init__(title)
        self.title = title
        """What failed: ``Cannot start web-01``."""
        self.message = message
        """Why, in plain words."""
        self.hint = hint
        """What to do next."""
        self.code = code
        """libvirt's ``virErrorNumber``, or None where the failure is not libvirt's."""
        self.domain = domain
        """libvirt's ``virErrorDomain``: 7 (RPC) means that the connection failed."""
        self.call = call
        """The libvirt call that failed, e.g. ``virDomainCreate``."""
        self.raw = raw
        """libvirt's own text."""

    def __str__(self) -> str:
        text = self.title
        if self.message:
            text += f": {self.message}"
        if self.hint:
            text += f" ({self.hint})"
        return text

    @property
    def is_connection_loss(self) -> bool:
        """True when the link to the daemon broke rather than the operation."""
        return self.domain == RPC_DOMAIN and self.code in CONNECTION_CODES

    @property
    def is_gone(self) -> bool:
        """True when the object no longer exists (VIR_ERR_NO_DOMAIN and its kin)."""
        return self.code in GONE_CODES


RPC_DOMAIN = 7
"""``VIR_FROM_RPC``."""
CONNECTION_CODES = frozenset({1, 38})
"""``VIR_ERR_INTERNAL_ERROR`` and ``VIR_ERR_SYSTEM_ERROR``: broken link when the domain is RPC."""
GONE_CODES = frozenset({42, 43, 49, 50, 53, 66, 72})
"""No such domain, network, pool, volume, node device, secret, snapshot."""
