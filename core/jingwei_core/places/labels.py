"""Labels and paths (物化路径): where a place stands in its tree, as text that sorts and compares.

A path is ``/a/b/c/``: the base-36 numbers of its ancestors and itself. The closing slash keeps
``/a/1/`` from covering ``/a/11/``.
"""

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def label(ordinal: int) -> str:
    """The base-36 label of a place's number (at least 1) in its tenant."""
    if ordinal < 1:
        raise ValueError(f"a place number is at least 1, not {ordinal}")
    text = ""
    while ordinal:
        ordinal, digit = divmod(ordinal, 36)
        text = _DIGITS[digit] + text
    return text


def child_path(parent_path: str | None, ordinal: int) -> str:
    """The path of the place numbered ``ordinal`` below ``parent_path``; ``None`` for a root."""
    return f"{parent_path or '/'}{label(ordinal)}/"


def ancestor_paths(path: str) -> list[str]:
    """The paths of the ancestors, root first, without the place itself."""
    parts = path.strip("/").split("/")
    return ["/" + "/".join(parts[:depth]) + "/" for depth in range(1, len(parts))]


def covers(prefix: str, path: str) -> bool:
    """Whether ``path`` is the place at ``prefix`` or lies below it."""
    return path.startswith(prefix)
