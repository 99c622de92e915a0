"""A failure's first cause in one line, with the key that shows the ways out."""

from __future__ import annotations

import asyncio

from tuivm.core.errors import TuivmError
from tuivm.core.model import DomainKey
from tuivm.screens.context import Context

SECONDS = 5.0
"""How long the line waits for its cause; the why screen goes on looking."""


async def explained(context: Context, key: DomainKey, error: TuivmError) -> TuivmError:
    """Put the first cause of a failure into its line, with the key that shows the ways out.

    libvirt's own words, code and call stay as they are; so does a failure without a cause.
    """
    row = context.store.rows.get(key)
    # What never came from libvirt, or went with its connection, says why by itself.
    if row is None or row.stale or not error.raw or error.is_gone or error.is_connection_loss:
        return error
    try:
        looking = asyncio.wrap_future(context.backend.explain(key, error))
        causes = await asyncio.wait_for(looking, SECONDS)
    except (TuivmError, TimeoutError):
        return error
    if not causes:
        return error
    label = context.keymap.label("view.why")
    # Short: on 80 columns there is hardly room for more than the cause.
    way = f"{label or ':why'}: way out"
    return TuivmError(
        error.title,
        causes[0].title,
        hint=way,
        code=error.code,
        domain=error.domain,
        call=error.call,
        raw=error.raw,
    )
