"""What may differ from one database server to another: ``differing.toml``, read and printed.

``python -m tests.servers.differing`` prints what ``make test-server`` tells pytest to run.
"""

import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

LISTS = Path(__file__).with_name("differing.toml")
Lists = Mapping[str, Mapping[str, str]]


def lists() -> Lists:
    """``differs`` and ``same``: paths below ``tests/``, each with its reason."""
    read: Lists = tomllib.loads(LISTS.read_text(encoding="utf-8"))
    return read


def is_decided(folder: str, told: Lists) -> bool:
    """Whether a folder below ``tests/``, or one that it lies in, is in either list."""
    parents = [folder, *(str(parent) for parent in Path(folder).parents)]
    return any(parent in told["differs"] or parent in told["same"] for parent in parents)


def arguments(told: Lists) -> list[str]:
    """What pytest is told: the paths that differ, but for what is the same within them."""
    differs = sorted(told["differs"])
    within = [path for path in sorted(told["same"]) if is_decided(path, {**told, "same": {}})]
    return [f"tests/{path}" for path in differs] + [f"--ignore=tests/{path}" for path in within]


def main() -> None:
    """Print the arguments in one line."""
    sys.stdout.write(" ".join(arguments(lists())) + "\n")


if __name__ == "__main__":
    main()
