"""The one exception of the lab."""

from __future__ import annotations


class LabError(Exception):
    """Why the lab cannot do what it was asked, with the next step."""
