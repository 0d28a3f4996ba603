"""What a serving process has in memory before it is asked anything."""

import subprocess
import sys

import pytest

HEAVY = (
    *("PIL", "black", "httpx", "minio", "numpy", "openpyxl", "pgqueuer", "pypinyin", "shapely"),
    "stdnum",
)


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    program = "import sys, jingwei_api.asgi; print(*sys.modules)"
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return {name.split(".")[0] for name in told.stdout.split()}


@pytest.mark.parametrize("name", HEAVY)
def test_what_is_seldom_used_is_loaded_when_it_is(loaded: set[str], name: str) -> None:
    assert name not in loaded
