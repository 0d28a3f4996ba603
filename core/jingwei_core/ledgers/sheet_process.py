"""The process that writes a sheet: ``python -m jingwei_core.ledgers.sheet_process FILE TITLE``.

It reads rows from its input, one JSON array of texts a line. Every cell is written as text: one
that begins with ``=``, ``+``, ``-`` or ``@`` is no formula, whatever program opens the file.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path

LONGEST_NAME = 31
LONGEST_CELL = 32_767
"""So many characters the format allows in the name of a sheet and in a cell."""


def write(path: Path, title: str, lines: Iterable[str]) -> None:
    """Write the file; memory does not grow with the rows."""
    import xlsxwriter

    book = xlsxwriter.Workbook(str(path), {"constant_memory": True, "strings_to_urls": False})
    # Marked so that a cell stays text when somebody edits it.
    as_text = book.add_format({"num_format": "@"})
    sheet = book.add_worksheet(sheet_name(title))
    sheet.freeze_panes(1, 0)
    for at, line in enumerate(lines):
        for column, cell in enumerate(json.loads(line)):
            sheet.write_string(at, column, cell[:LONGEST_CELL], as_text)
    book.close()


def sheet_name(title: str) -> str:
    """The title as the name of a sheet, without what the format forbids there."""
    kept = "".join("_" if sign in "[]:*?/\\" else sign for sign in title).strip("' ")
    return kept[:LONGEST_NAME] or "1"


if __name__ == "__main__":
    write(Path(sys.argv[1]), sys.argv[2], sys.stdin)
