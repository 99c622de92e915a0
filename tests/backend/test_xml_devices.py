"""Devices in people's terms, and what the next power cycle changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tuivm.backend.xml import changes, devices
from tuivm.core.model import Device

DATA = Path(__file__).parent / "data"
NAMES = ("plain", "rich", "uefi")


def forms(name: str) -> tuple[str, str]:
    live, inactive = (DATA / f"{name}.{form}.xml" for form in ("live", "inactive"))
    return live.read_text(), inactive.read_text()


def edited(xml: str, old: str, new: str) -> str:
    assert old in xml
    return xml.replace(old, new, 1)


def titled(found: tuple[Device, ...], title: str) -> Device:
    return next(device for device in found if device.title == title)


@pytest.mark.parametrize("name", NAMES)
def test_a_freshly_started_guest_has_nothing_pending(name: str) -> None:
    live, inactive = forms(name)
    assert changes(live, inactive) == ()
    assert [d.title for d in devices(live, inactive) if d.pending] == []


def test_devices_by_the_names_that_people_use() -> None:
    found = {device.title: device for device in devices(*forms("plain"))}
    assert found["Disk vda"].summary == "/var/lib/libvirt/images/g1.qcow2, qcow2, virtio"
    assert found["CD-ROM sda"].summary == "empty, sata, read-only"
    assert found["Network card 52:54:00:40:e3:7b"].summary == "network default, virtio"
    assert found["Screen (VNC)"].summary == "127.0.0.1:5900"
    assert found["Guest agent channel"].summary == "unix, disconnected"
    assert ("Address", "PCI 0000:00:07.0") in found["Disk vda"].fields
    assert ("Alias", "serial0") in found["Serial port 0"].fields
    assert next(iter(found)) == "Disk vda"


def test_the_first_serial_port_is_told_once() -> None:
    kinds = [device.kind for device in devices(*forms("plain"))]
    assert kinds.count("serial") == 1
    assert "console" not in kinds


def test_an_unknown_device_is_told_with_all_its_parts() -> None:
    xml = "<domain><devices><warp speed='9'><core>hot\u202e</core><on/></warp></devices></domain>"
    (device,) = devices(xml, None)
    assert device.title == "Device warp"
    assert ("Speed", "9") in device.fields
    assert ("On", "yes") in device.fields
    assert all(value.isprintable() for _, value in device.fields)
    assert device.xml.startswith("<warp speed='9'>\n  <core>")


def test_plugged_for_now_and_plugged_for_later() -> None:
    live, inactive = forms("plain")
    disk = "<disk type='file'><source file='/{0}'/><target dev='{0}' bus='virtio'/></disk>"
    live = edited(live, "<controller", disk.format("vdb") + "<controller")
    inactive = edited(inactive, "<controller", disk.format("vdc") + "<controller")
    found = devices(live, inactive)
    assert titled(found, "Disk vdb").pending == "only until power off"
    assert titled(found, "Disk vdc").pending == "after the next power cycle"
    assert {change.where for change in changes(live, inactive)} == {
        "devices/disk[vdb]",
        "devices/disk[vdc]",
    }


def test_a_changed_device_says_what_changes() -> None:
    live, inactive = forms("plain")
    inactive = edited(inactive, "type='qcow2'/>", "type='qcow2' cache='none'/>")
    (change,) = changes(live, inactive)
    assert change.where == "devices/disk[vda]/driver/@cache"
    assert (change.live, change.inactive) == ("", "none")
    pending = titled(devices(live, inactive), "Disk vda").pending
    assert pending == "changes at the next power cycle: driver cache unset to none"


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("<memory unit='KiB'>131072<", "<memory unit='KiB'>262144<", "memory"),
        (">2</vcpu>", ">4</vcpu>", "vcpu"),
        ("<title>Guest one</title>", "<title>Guest two</title>", "title"),
        ("<acpi/>", "<acpi/><apic/>", "features/apic"),
        ("machine='pc-i440fx-7.2'", "machine='q35'", "os/type/@machine"),
        (">qemu64</model>", ">EPYC</model>", "cpu/model"),
        ("<model type='virtio'/>", "<model type='e1000'/>", "model/@type"),
        ("port='-1' autoport='yes'", "port='5999' autoport='no'", "@port"),
        ("<source network='default'/>", "<source network='lab'/>", "source/@network"),
        ("<boot dev='hd'/>", "<boot dev='network'/>", "os/boot/@dev"),
    ],
)
def test_what_a_person_changed_is_seen(old: str, new: str, where: str) -> None:
    live, inactive = forms("plain")
    found = changes(live, edited(inactive, old, new))
    assert any(change.where.endswith(where) for change in found), found


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("machine='pc-i440fx-7.2'", "machine='pc'"),
        ("<memory unit='KiB'>131072<", "<memory unit='KiB'>130900<"),
        ("<memballoon model='virtio'>", "<memballoon model='virtio'><stats period='5'/>"),
    ],
)
def test_what_libvirt_does_by_itself_is_not(old: str, new: str) -> None:
    live, inactive = forms("plain")
    assert changes(live, edited(inactive, old, new)) == ()


def test_an_asked_for_cpu_feature_is_seen() -> None:
    live, inactive = forms("plain")
    wanted = edited(inactive, "</model>\n  </cpu>", "</model><feature name='avx'/>\n  </cpu>")
    (change,) = changes(live, wanted)
    assert change.where == "cpu/feature[avx]"


def test_two_devices_that_look_alike_are_paired_in_order() -> None:
    live, inactive = forms("plain")
    twin = "<rng model='virtio'><backend model='random'>/dev/random</backend></rng>"
    both = (edited(live, "<rng", twin + "<rng"), edited(inactive, "<rng", twin + "<rng"))
    assert changes(*both) == ()


def test_a_transient_domain_has_nothing_pending() -> None:
    live, _ = forms("rich")
    assert changes(live, None) == ()
    assert all(device.pending == "" for device in devices(live, None))


def test_secrets_are_in_no_part_of_a_device() -> None:
    live, inactive = forms("plain")
    secret = "<graphics type='vnc' passwd='hunter2'/>"
    live = edited(live, "<graphics", secret + "<graphics")
    text = repr((devices(live, inactive), changes(live, inactive)))
    assert "hunter2" not in text


def test_hostile_values_are_clean_everywhere() -> None:
    live, inactive = forms("plain")
    live = edited(live, "g1.qcow2", "\u202eg1[/b]\u200b")
    for device in devices(live, inactive):
        texts = [device.title, device.summary, device.pending, *(v for _, v in device.fields)]
        assert all(text.isprintable() for text in texts)
        assert all(line.isprintable() for line in device.xml.splitlines())
    for change in changes(live, inactive):
        assert (change.where + change.live + change.inactive).isprintable()


def test_a_thousand_differences_end() -> None:
    many = "".join(f"<rng model='{n}'/>" for n in range(2000))
    found = changes("<domain><devices/></domain>", f"<domain><devices>{many}</devices></domain>")
    assert 0 < len(found) <= 500
