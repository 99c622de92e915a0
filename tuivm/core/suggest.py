"""What somebody may have meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, known: Iterable[str], quote: str = "") -> str:
    """Return ``did you mean X?``, or empty when nothing is close."""
    candidates = list(known)
    starts = [name for name in candidates if len(word) > 1 and name.startswith(word)]
    close = starts[:1] or get_close_matches(word, candidates, 1)
    return f"did you mean {quote}{close[0]}{quote}?" if close else ""
