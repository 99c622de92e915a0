"""What an action is: one entry of the registry in ``core.actions``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf
from types import MappingProxyType
from typing import NamedTuple

from tuivm.core.applies import Applies, AppliesHost, any_host, anywhere
from tuivm.core.model import Domain
from tuivm.core.rows import Pending, Row
from tuivm.core.text import duration_text
from tuivm.core.virsh import action_virsh


class Action(NamedTuple):
    """One thing that the user can do."""

    id: str
    """Stable: the configuration's ``[keys]`` names it."""
    title: str
    """For menus, palette and help: ``Shut down``."""
    help: str
    """One sentence on what it does."""
    group: str
    """The heading under which help and the cheat sheet list it."""
    keys: tuple[str, ...] = ()
    """Default keys, as ``core.keymap`` names them."""
    scope: str = "app"
    """Where its keys work: ``app`` everywhere, else on the screens of that name."""
    verb: str = ""
    """``Backend.run``'s verb, or empty for what the screens do themselves."""
    args: Mapping[str, str] = MappingProxyType({})
    """Arguments that always go with the verb; ``arguments`` merges them."""
    level: int = 0
    """How it is confirmed: 0 not, 1 y/N, 2 a dialog, 3 typing the name."""
    per_domain: bool = False
    """True when it works on the marked domains, or else the one under the cursor."""
    applies: Applies = anywhere
    """Returns why it cannot be used on a row, or None."""
    per_host: bool = False
    """True when it works on the host under the cursor. Managing hosts changes nothing on
    them, so that a read-only program does it too."""
    applies_host: AppliesHost = any_host
    """Returns why it cannot be used on a host, or None."""
    means: Callable[[Domain], Action | None] | None = None
    """For a key whose verb depends on the domain; ``for_row`` asks it."""
    one_way: str = ""
    """For such a key: the action that it is for all targets where ``means`` differs among them."""
    pending: str = ""
    """What the list shows until the effect is seen: ``starting…``."""
    wants: Callable[[Domain], bool] | None = None
    """True once a domain is as the action wants it; None when that cannot be seen."""
    patience: float = 0.0
    """Seconds until the log says that nothing happened; 0 leaves it to the configuration."""
    late: str = ""
    """What the log says then; ``{name}`` and ``{time}`` are filled in."""
    follow: str = ""
    """Not empty where the guest has to play along: it is followed until ``wants`` holds, and
    explained where it does not (``core.stops``). What it is called as a job."""
    then: str = ""
    """The action that is done once ``wants`` holds, for what is followed."""
    warning: str = ""
    """What the question before it has to tell: what is lost."""

    def for_row(self, row: Row) -> Action:
        """Return the action that this one means for a row: ``s`` resumes what is paused."""
        other = None if self.means is None else self.means(row.domain)
        return self if other is None else other

    def arguments(self, args: Mapping[str, str]) -> dict[str, str]:
        """Return the arguments to give to ``Backend.run``."""
        return {**self.args, **args}

    def virsh(self, row: Row, args: Mapping[str, str]) -> str:
        """Return the virsh command that does the same to a row, or empty."""
        meant = self.for_row(row)
        return action_virsh(row, meant.verb, meant.arguments(args)) if meant.verb else ""

    def marker(self, now: float, patience: float) -> Pending:
        """Make the marker for a row on which this was just started.

        ``now`` is ``time.monotonic()``, ``patience`` the configured seconds. What is followed
        keeps its marker until its end.
        """
        until = inf if self.follow else now + (self.patience or patience)
        return Pending(self.pending, self.id, now, until)

    def late_text(self, row: Row, seconds: float) -> str:
        """Say that the effect was not seen in time, and what to do."""
        name = row.domain.name
        if row.stale:
            return (
                f"{row.host.id} was lost before the effect on {name} was seen "
                f"({self.title.lower()}); look again when it is back"
            )
        template = self.late or "{name} is not there yet {time} after: " + self.title.lower()
        # Not str.format: a name may hold braces.
        return template.replace("{time}", duration_text(seconds)).replace("{name}", name)
