"""Asks for what an answer is better with, and does not fall with: objects go at any moment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import libvirt

from tuivm.backend import errors

Handle = TypeVar("Handle")
T = TypeVar("T")


def or_none(ask: Callable[[], T]) -> T | None:
    """What ``ask`` tells; None where the object is gone or the driver does not tell it.

    Raises ``libvirt.libvirtError`` for a broken connection.
    """
    try:
        return ask()
    except libvirt.libvirtError as error:
        if errors.broken(error):
            raise
        return None


def each(handles: Iterable[Handle] | None, read: Callable[[Handle], T]) -> Iterator[T]:
    """What ``read`` tells of each object of a list, without those that go meanwhile.

    Nothing where there is no list. Raises as ``or_none``.
    """
    for handle in handles or ():
        try:
            told = read(handle)
        except libvirt.libvirtError as error:
            if errors.broken(error):
                raise
            continue
        yield told
