"""Whatever happens to the files of a package, reading it ends in a package or in PackageInvalid."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from jingwei_core.tenants.package import PackageInvalid, load_package
from tests.tenants.small_package import FILES, write_package

SPLICES = st.one_of(
    st.binary(max_size=12),
    st.text(max_size=8).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.sampled_from(
        [
            b"",
            b",",
            b'"',
            b"\n",
            b"\r",
            b"\x00",
            b"-",
            b"9" * 40,
            b"1e999",
            b"NaN",
            b"[" * 3000,
            b"{}",
            b"null",
            b"\xef\xbb\xbf",
            "第".encode(),
            "第".encode("gb18030"),
        ]
    ),
)


def read_outcome(folder: Path) -> str:
    try:
        load_package(folder)
    except PackageInvalid as invalid:
        return "refused" if invalid.problems else "refused without a reason"
    return "read"


@settings(max_examples=300, deadline=None)
@given(
    file=st.sampled_from(sorted(FILES)),
    start=st.floats(0, 1),
    length=st.integers(0, 30),
    splice=SPLICES,
)
def test_a_spliced_file_never_breaks_the_reader(
    file: str, start: float, length: int, splice: bytes
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        package = write_package(Path(folder))
        raw = (package / file).read_bytes()
        at = int(start * len(raw))
        (package / file).write_bytes(raw[:at] + splice + raw[at + length :])
        assert read_outcome(package) in {"read", "refused"}


@settings(max_examples=200, deadline=None)
@given(
    file=st.sampled_from(sorted(name for name in FILES if name.endswith(".csv"))),
    row=st.integers(0, 6),
    column=st.integers(0, 11),
    cell=st.text(max_size=20),
)
def test_any_text_in_any_cell_never_breaks_the_reader(
    file: str, row: int, column: int, cell: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        package = write_package(Path(folder))
        lines = [line.split(",") for line in FILES[file].splitlines()]
        cells = lines[row % len(lines)]
        cells[column % len(cells)] = cell
        text = "\n".join(",".join(line) for line in lines)
        (package / file).write_bytes(text.encode("utf-8", "surrogatepass"))
        assert read_outcome(package) in {"read", "refused"}
