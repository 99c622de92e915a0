"""What goes into a bundle for a bug report holds no secret."""

from __future__ import annotations

import pytest

from tests.unit.pace import times_plain
from tuivm.backend.scrub import scrub_text, scrub_xml

XML = """\
<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>web</name>
  <metadata>
    <lib:libosinfo xmlns:lib="http://libosinfo.org/xmlns/libvirt/domain/1.0">
      <lib:os id="http://debian.org/debian/12"/>
    </lib:libosinfo>
    <c:cloud xmlns:c="urn:cloud" user="SECRET"><c:user-data>SECRET</c:user-data>SECRET</c:cloud>
  </metadata>
  <os><cmdline>console=ttyS0 ds=nocloud luks.password=SECRET</cmdline></os>
  <sysinfo type='fwcfg'><entry name='opt/ignition'>SECRET</entry>
    <entry name='opt/file' file='/srv/config.ign'/></sysinfo>
  <sysinfo type='smbios'>
    <system><entry name='serial'>ds=nocloud-net</entry></system>
    <oemStrings><entry>SECRET</entry></oemStrings>
  </sysinfo>
  <devices>
    <disk type='network'><auth username='me'><secret type='ceph' uuid='5e6e4b2c'/></auth>
      <source protocol='https' name='a.img' query='sig=SECRET'>
        <cookies><cookie name='c'>SECRET</cookie></cookies></source></disk>
    <graphics type='vnc' port='5900' passwd='SECRET' passwdValidTo='2030-01-01T00:00:00'/>
    <graphics type='spice' passwd='SECRET'/>
  </devices>
  <launchSecurity type='sev'><session>SECRET</session></launchSecurity>
  <qemu:commandline>
    <qemu:arg value='-fw_cfg'/><qemu:arg value='name=opt/x,string=SECRET, SECRET'/>
    <qemu:arg value='-object'/><qemu:arg value='secret,id=s0,data=SECRET'/>
    <qemu:arg value='-smbios'/><qemu:arg value='type=11,value=SECRET'/>
    <qemu:env name='API_TOKEN' value='SECRET'/>
  </qemu:commandline>
</domain>
"""


def test_a_definition_keeps_its_shape_and_no_secret() -> None:
    shown = scrub_xml(XML)
    assert "SECRET" not in shown
    for kept in ("libosinfo", "debian/12", "5e6e4b2c", "username='me'", "port='5900'",
                 "urn:cloud", "/srv/config.ign", "opt/ignition", "name=opt/x,string=",
                 "ds=nocloud"):  # fmt: skip
        assert kept in shown, kept


@pytest.mark.parametrize(
    "line",
    [
        "-fw_cfg 'name=opt/com.coreos/config,string={ SECRET, SECRET }' \\",
        "-fw_cfg name=opt/x,string=SECRET,SECRET",
        "-smbios 'type=11,value=SECRET SECRET' \\",
        "-smbios type=11,value=io.systemd.credential:passwd.hashed-password.root=SECRET",
        "io.systemd.credential.binary:ssh.key=SECRET== more",
        '-object {"qom-type":"secret","id":"s0","data":"SECRET","format":"raw"}',
        "-object secret,id=s0,data=SECRET,format=raw",
        "-spice port=5900,password=SECRET",
        "info : xml=<graphics type='vnc' passwd='SECRET'/>",
        'xml=<graphics passwd = "SECRET one"/>',
        "<password>SECRET</password><value/>",
        "<cookie name='a'>SECRET</cookie>",
        "open https://me:SECRET@example.org/a.img",
        "Authorization: Basic SECRET",
        '{"password": "SECRET"}',
        "-----BEGIN OPENSSH PRIVATE KEY-----\nSECRET\nSECRET\n-----END OPENSSH PRIVATE KEY-----",
    ],
)
def test_a_log_keeps_no_secret(line: str) -> None:
    shown = scrub_text(f"before\n{line}\nafter")
    assert "SECRET" not in shown
    assert "hidden" in shown or "***" in shown
    assert shown.startswith("before\n")
    assert shown.endswith("\nafter")


def test_what_is_no_secret_stays() -> None:
    for line in (
        "2026-11-26 17:22:53.566+0000: 22425: info : libvirt version: 9.0.0",
        '-blockdev \'{"driver":"file","filename":"/var/lib/x.qcow2","node-name":"a"}\' \\',
        "-netdev tap,fd=32,id=hostnet0 -device virtio-net-pci,mac=52:54:00:00:00:01",
    ):
        assert scrub_text(line) == line


@pytest.mark.parametrize(
    "text", ["a", "secret", 'token="', "fw_cfg string=", "://a:", "<token", "cookie: x", "data=",
             "-----BEGIN PRIVATE KEY-----"],
)  # fmt: skip
def test_hostile_lines_take_no_time(text: str) -> None:
    line = text * (60_000 // len(text))
    assert times_plain(lambda: scrub_text(line), runs=1) < 60
