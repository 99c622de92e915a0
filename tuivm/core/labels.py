"""The verbs that write a domain's name, title, description and tags; screens ask for the words."""

from __future__ import annotations

from collections.abc import Callable

from tuivm.core import applies
from tuivm.core.action import Action
from tuivm.core.applies import changes
from tuivm.core.model import Domain


def _label(
    verb: str,
    title: str,
    text: str,
    check: Callable[[Domain], str | None] = applies.can_label,
) -> Action:
    return Action(
        f"domain.{verb}",
        title,
        text,
        "Definition",
        verb=verb,
        per_domain=True,
        applies=changes(check),
    )


TAG = _label("tag", "Tag", "Give and take tags.")
TITLE = _label("title", "Title", "Give it a title.")
DESC = _label("desc", "Describe", "Give it a description.")
RENAME = _label("rename", "Rename", "Give it another name.", applies.can_rename)
