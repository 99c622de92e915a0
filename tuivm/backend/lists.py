"""Lists of domains and their numbers, also where there are more than one answer carries.

libvirt's protocol carries 16,384 domains in one answer. What is too long is asked for in
halves: by flags of which every domain has exactly one, and numbers at last in portions.
"""

from __future__ import annotations

import logging
from typing import Any

import libvirt

from tuivm.backend import errors

logger = logging.getLogger(__name__)

Records = list[tuple[libvirt.virDomain, dict[str, Any]]]
"""Domains with libvirt's typed parameters, as the bulk calls give them."""

# What is off comes first: a domain that starts in between is then told twice, and the later
# answer is the true one; one that stops in between is told by its event.
_SPLIT = (
    (libvirt.VIR_CONNECT_LIST_DOMAINS_INACTIVE, libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE),
    (libvirt.VIR_CONNECT_LIST_DOMAINS_AUTOSTART, libvirt.VIR_CONNECT_LIST_DOMAINS_NO_AUTOSTART),
    (libvirt.VIR_CONNECT_LIST_DOMAINS_PERSISTENT, libvirt.VIR_CONNECT_LIST_DOMAINS_TRANSIENT),
)
_STATS_SPLIT = (
    (
        libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_INACTIVE,
        libvirt.VIR_CONNECT_LIST_DOMAINS_INACTIVE,
    ),
    (libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE, libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE),
)
"""The same halves in the words of the statistics and of the lists."""
_CHUNK = 500
"""Domains of one call where even half of them are too many for one answer."""


def list_domains(conn: libvirt.virConnect, flags: int = 0) -> list[libvirt.virDomain]:
    """``listAllDomains`` of any length; raises ``libvirt.libvirtError``."""
    return _list(conn, flags, 0)


def all_stats(conn: libvirt.virConnect, groups: int, flags: int = 0) -> Records:
    """``getAllDomainStats`` of any length; raises ``libvirt.libvirtError``."""
    try:
        return list(conn.getAllDomainStats(groups, flags))
    except libvirt.libvirtError as error:
        if not errors.is_too_many(error):
            raise
    halves = [half for half in _STATS_SPLIT if flags & half[0]]
    if halves:
        # It is a half already.
        return _in_portions(conn, groups, flags, halves[0])
    result: Records = []
    for half in _STATS_SPLIT:
        try:
            result += conn.getAllDomainStats(groups, flags | half[0])
        except libvirt.libvirtError as error:
            if not errors.is_too_many(error):
                raise
            result += _in_portions(conn, groups, flags | half[0], half)
    return result


def _in_portions(
    conn: libvirt.virConnect, groups: int, flags: int, half: tuple[int, int]
) -> Records:
    domains = list_domains(conn, half[1])
    result: Records = []
    for start in range(0, len(domains), _CHUNK):
        # The list says already which ones; their state may differ by the time of the call.
        rest = flags & ~half[0]
        result += conn.domainListGetStats(domains[start : start + _CHUNK], groups, rest)
    return result


def _list(conn: libvirt.virConnect, flags: int, depth: int) -> list[libvirt.virDomain]:
    try:
        domains: list[libvirt.virDomain] = conn.listAllDomains(flags)
    except libvirt.libvirtError as error:
        if not errors.is_too_many(error) or depth == len(_SPLIT):
            raise
    else:
        return domains
    one, other = _SPLIT[depth]
    if flags & (one | other):
        return _list(conn, flags, depth + 1)
    return _list(conn, flags | one, depth + 1) + _list(conn, flags | other, depth + 1)
