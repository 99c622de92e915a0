"""Where libvirt's client logs: what is asked for here, and what the user's variables say."""

from __future__ import annotations

from tuivm.core.clientlog import QUIET, ClientLog, is_wanted, variables


def test_without_variables_everything_but_the_noise_goes_to_our_file() -> None:
    assert not is_wanted({"LIBVIRT_DEBUG": "", "HOME": "/root"})
    assert variables({}, "/x/c.log") == {
        "LIBVIRT_LOG_OUTPUTS": "1:file:/x/c.log",
        "LIBVIRT_DEBUG": "1",
        "LIBVIRT_LOG_FILTERS": QUIET,
    }


def test_what_the_user_set_stays() -> None:
    level, filters = {"LIBVIRT_DEBUG": "3"}, {"LIBVIRT_LOG_FILTERS": "1:rpc"}
    for given in (level, filters, level | filters):
        assert is_wanted(given)
        assert variables(given, "/x") == {"LIBVIRT_LOG_OUTPUTS": "1:file:/x"}
    outputs = {"LIBVIRT_LOG_OUTPUTS": "1:file:/mine"}
    assert "LIBVIRT_LOG_OUTPUTS" not in variables(outputs, "/x")
    assert variables(outputs | level, "/x") == {}


def test_the_file_is_found_in_the_outputs() -> None:
    assert ClientLog(on=True, where="/a b/c.log", ours=True).path == "/a b/c.log"
    assert ClientLog(on=True, where="3:stderr 1:file:/var/tmp/c.log").path == "/var/tmp/c.log"
    assert ClientLog(on=True, where="1:syslog:file").path == ""
    assert ClientLog().path == ""


def test_its_growth_is_told() -> None:
    assert "32 MiB" in ClientLog(True, "/c.log", ours=True).bound
    assert ClientLog(True, "1:file:/c.log").bound == "it grows without limit"
    assert ClientLog(True, "1:journald").bound == "kept by others"
