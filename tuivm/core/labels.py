"""The verbs that write a domain's title, description and tags; their screens ask for the words."""

from __future__ import annotations

from tuivm.core import applies
from tuivm.core.action import Action
from tuivm.core.applies import changes


def _label(verb: str, title: str, text: str) -> Action:
    return Action(
        f"domain.{verb}",
        title,
        text,
        "Definition",
        verb=verb,
        per_domain=True,
        applies=changes(applies.can_label),
    )


TAG = _label("tag", "Tag", "Give and take tags.")
TITLE = _label("title", "Title", "Give it a title.")
DESC = _label("desc", "Describe", "Give it a description.")
