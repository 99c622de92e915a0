"""Undefine a domain with all that libvirt insists on, and never touch its disks.

libvirt refuses to undefine a domain that has a saved state, snapshots, checkpoints or
firmware variables unless a flag says what becomes of each. Metadata of snapshots and
checkpoints goes with the definition (their data inside the disks stays); NVRAM and TPM
state hold keys that the disks may depend on, so they are kept unless told otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import libvirt
from lxml import etree

from tuivm.backend.xml_parse import parse
from tuivm.core.errors import TuivmError
from tuivm.core.text import sanitise

# Newer than the oldest libvirt that the binding can be built against.
_TPM = 1 << 5
_KEEP_TPM = 1 << 6


@dataclass(frozen=True, slots=True)
class _Part:
    flag: int
    note: str
    required: bool = True
    """False when going on without the flag does no harm."""


def undefine(
    domain: libvirt.virDomain,
    *,
    keep_running: bool = False,
    delete_nvram: bool = False,
    delete_tpm: bool = False,
) -> str:
    """Remove the definition; returns what went with it and what was kept.

    An active domain is refused unless ``keep_running``: it then goes on as transient and is
    gone for good at power off. Disks are never touched. Raises ``TuivmError`` with the reason
    when it cannot or should not be done, ``libvirt.libvirtError`` when libvirt fails.
    """
    name = sanitise(domain.name(), 80)
    title = f"Cannot undefine {name}"
    active = bool(domain.isActive())
    if not domain.isPersistent():
        raise TuivmError(
            title,
            "it is transient: it has no definition",
            hint="destroy it and it is gone",
        )
    if active and not keep_running:
        raise TuivmError(
            title,
            "it is running: it would go on without a definition and vanish at power off",
            hint="shut it down or destroy it first",
        )
    root = parse(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
    parts = [
        *_state_parts(domain),
        *_firmware_parts(root, delete_nvram),
        *_tpm_parts(root, delete_tpm, real=domain.connect().getType() == "QEMU"),
    ]
    done = _call(domain, title, parts)
    notes = [part.note for part in done if part.note]
    if active:
        notes.append("goes on running as transient until power off")
    if root.find("devices/disk/source") is not None:
        notes.append("disks kept")
    return ", ".join(notes)


def _state_parts(domain: libvirt.virDomain) -> list[_Part]:
    parts = []
    if _count(domain.hasManagedSaveImage):
        parts.append(_Part(libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE, "saved state removed"))
    if number := _count(domain.snapshotNum):
        note = f"{number} snapshot{'s' * (number > 1)} forgotten"
        parts.append(_Part(libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA, note))
    if number := _count(lambda: len(domain.listAllCheckpoints(0))):
        note = f"{number} checkpoint{'s' * (number > 1)} forgotten"
        parts.append(_Part(libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA, note))
    return parts


def _count(ask: Callable[[], int]) -> int:
    """Ask for a number; a driver without the feature has none."""
    try:
        return ask()
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_SUPPORT:
            return 0
        raise


def _firmware_parts(root: etree._Element, delete: bool) -> list[_Part]:
    """Tell what becomes of the UEFI variables; the path is known only after a first start."""
    nvram = root.find("os/nvram")
    os_element = root.find("os")
    efi = os_element is not None and os_element.get("firmware") == "efi"
    pflash = root.find("os/loader[@type='pflash']") is not None
    if nvram is None and not efi and not pflash:
        return []
    source = nvram.find("source") if nvram is not None else None
    path = (source.get("file") if source is not None else None) or (
        (nvram.text or "").strip() if nvram is not None else ""
    )
    if delete:
        return [_Part(libvirt.VIR_DOMAIN_UNDEFINE_NVRAM, "UEFI variables deleted")]
    note = f"UEFI variables kept{f' in {sanitise(path)}' * bool(path)}"
    # A driver that does not know the flag does not delete the file either.
    return [_Part(libvirt.VIR_DOMAIN_UNDEFINE_KEEP_NVRAM, note, required=False)]


def _tpm_parts(root: etree._Element, delete: bool, *, real: bool) -> list[_Part]:
    if root.find("devices/tpm/backend[@type='emulator']") is None:
        return []
    if delete:
        # What a libvirt too old for the flag does anyway.
        return [_Part(_TPM, "TPM state deleted", required=False)]
    # QEMU's driver, where it is too old for the flag, deletes the state unasked.
    return [_Part(_KEEP_TPM, "TPM state kept", required=real)]


def _call(domain: libvirt.virDomain, title: str, parts: list[_Part]) -> list[_Part]:
    """Undefine with the parts' flags, leaving out those that the driver does not know."""
    while True:
        flags = 0
        for part in parts:
            flags |= part.flag
        try:
            domain.undefineFlags(flags)
        except libvirt.libvirtError as error:
            rejected = _rejected(error) & flags
            if not rejected:
                raise
            for part in parts:
                if part.flag & rejected and part.required:
                    raise _unsupported(title, part, error) from error
            parts = [part for part in parts if not part.flag & rejected]
        else:
            return parts


def _rejected(error: libvirt.libvirtError) -> int:
    """Read from libvirt's text which flags a driver does not know; 0 when it is another error."""
    if error.get_error_code() != libvirt.VIR_ERR_INVALID_ARG:
        return 0
    found = re.search(r"\(0x([0-9a-fA-F]+)\)", error.get_error_message() or "")
    return int(found[1], 16) if found else 0


def _unsupported(title: str, part: _Part, error: libvirt.libvirtError) -> TuivmError:
    if part.flag == _KEEP_TPM:
        what = "cannot keep its TPM state, and that may hold the keys of its disks"
        hint = "undefine it with --tpm, which deletes that state"
    else:
        what, hint = "does not know how to remove all that belongs to it", ""
    return TuivmError(
        title,
        f"this host's libvirt {what}",
        hint=hint,
        code=error.get_error_code(),
        domain=error.get_error_domain(),
        call="virDomainUndefineFlags",
        raw=sanitise(str(error)),
    )
