"""Writes what the list shows to a file: CSV or JSON, as the file's name ends."""

from __future__ import annotations

from pathlib import Path

from tuivm.core import export, files
from tuivm.core.columns import BY_ID
from tuivm.core.errors import TuivmError
from tuivm.screens.base import BaseScreen
from tuivm.screens.saving import write_file


def ask_export(screen: BaseScreen) -> None:
    """Ask for a file's name and write the rows shown."""
    from tuivm.screens.pathdialog import PathDialog

    dialog = PathDialog(
        screen.context,
        "Export",
        f"{_count(screen)}, as the list shows them: .csv for a spreadsheet, "
        ".json for all that is known. Readable by you alone.",
        files.save_folder() / files.file_name("vms", ".csv"),
        verb="export",
        endings=export.ENDINGS,
    )

    def chosen(answer: tuple[Path, bool] | None) -> None:
        if answer is not None:
            _write(screen, answer[0])

    screen.app.push_screen(dialog, chosen)


def export_to(screen: BaseScreen, text: str) -> None:
    """Write the rows shown to a file. Raises ``TuivmError`` for a name that says no format."""
    path = files.full_path(text)
    if path.suffix.lower() not in export.ENDINGS:
        raise TuivmError("Cannot export", f"the name has to end in {' or '.join(export.ENDINGS)}")
    _write(screen, path)


def _count(screen: BaseScreen) -> str:
    shown = len(screen.context.view)
    return f"{shown} VM{'s' * (shown != 1)}"


def _write(screen: BaseScreen, path: Path) -> None:
    view = screen.context.view
    rows = [view.row(index) for index in range(len(view))]
    # What a narrow terminal leaves out is not hidden.
    columns = screen.context.views.columns.visible(BY_ID)
    ending = path.suffix.lower()
    write_file(screen, path, lambda: export.written(rows, ending, columns), _count(screen))
