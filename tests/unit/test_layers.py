"""The layers hold: by the static contracts, and by what a process really loads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

import tuivm

ROOT = Path(tuivm.__file__).parent.parent
CORE = sorted(
    f"tuivm.core.{path.stem}" for path in (ROOT / "tuivm" / "core").glob("*.py")
    if path.stem != "__init__"
)  # fmt: skip
REPORT = """
import sys
loaded = sorted(name for name in sys.modules if "." not in name)
sys.__stderr__.write("LOADED " + " ".join(loaded))
"""


def loaded_after(code: str) -> set[str]:
    """Run code in a fresh interpreter; returns the packages that it loaded."""
    result = subprocess.run(
        [sys.executable, "-c", f"import sys\ntry:\n    {code}\nexcept SystemExit: pass\n{REPORT}"],
        capture_output=True,
        text=True,
        timeout=60,
        env=dict(os.environ),
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return set(result.stderr.rpartition("LOADED ")[2].split())


def test_the_contracts_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert lint_imports(no_cache=True) == EXIT_STATUS_SUCCESS


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["keys"], ["keys", "--markdown"]], ids=" ".join
)
def test_what_only_prints_loads_neither_textual_nor_libvirt(arguments: list[str]) -> None:
    loaded = loaded_after(f"from tuivm.cli import main; main({arguments!r})")
    assert "tuivm" in loaded
    assert not loaded & {"textual", "libvirt", "asyncio", "lxml"}


@pytest.mark.parametrize(
    "arguments", [["--demo"], ["-c", "test:///default", "--json"]], ids=" ".join
)
def test_a_list_never_loads_textual(arguments: list[str]) -> None:
    loaded = loaded_after(f"from tuivm.cli import main; assert main({['list', *arguments]!r}) == 0")
    assert "libvirt" in loaded
    assert "textual" not in loaded


def test_a_check_never_loads_textual() -> None:
    loaded = loaded_after(
        "from tuivm.cli import main; assert main(['check', '-c', 'test:///default']) == 0"
    )
    assert "libvirt" in loaded
    assert "textual" not in loaded


def test_a_bundle_never_loads_textual(tmp_path: Path) -> None:
    arguments = ["bundle", "--demo", "-o", str(tmp_path / "b.tar.gz")]
    loaded = loaded_after(f"from tuivm.cli import main; assert main({arguments!r}) == 0")
    assert "libvirt" in loaded
    assert "textual" not in loaded


def test_the_core_is_pure() -> None:
    loaded = loaded_after(f"import {', '.join(CORE)}")
    assert not loaded & {"textual", "libvirt", "lxml", "tomlkit"}


def test_files_and_functions_stay_small() -> None:
    for path in (ROOT / "tuivm").rglob("*.py"):
        assert len(path.read_text().splitlines()) <= 400, path


NEEDED_LATER = (
    *("lxml", "plotext", "textual_plotext", "pexpect", "tomlkit", "avt", "pyghostty", "json"),
    *("tuivm.backend.askpass", "tuivm.backend.refusals", "tuivm.backend.sampler"),
    *("tuivm.backend.jobs", "tuivm.core.jobs", "tuivm.core.causes", "tuivm.core.fields"),
    *("tuivm.screens.menu", "tuivm.screens.details", "tuivm.screens.help", "tuivm.screens.flow"),
)


def test_what_the_first_screen_does_not_need_is_not_loaded_for_it() -> None:
    code = (
        "import textual.app, sys; before = set(sys.modules)\n"
        "import tuivm.cli, tuivm.opening, tuivm.outset, tuivm.app\n"
        f"late = [name for name in {NEEDED_LATER!r} if name in set(sys.modules) - before]\n"
        "assert not late, late"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, cwd=ROOT)


def test_the_hosts_are_connected_without_the_screens() -> None:
    code = (
        "import sys, tuivm.opening\n"
        "late = [name for name in sys.modules if name.startswith(('textual', 'tuivm.screens'))]\n"
        "assert not late, late"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, cwd=ROOT)
