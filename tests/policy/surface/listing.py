"""``sdk/api.txt``: every public name of the SDK with its types, one line each, read from source.

A name is public when neither it nor a module on its way begins with an underscore. The scaffolder's
templates and the command-line tools are for people, not for import, and are left out.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.policy.project import ROOT

PACKAGE = ROOT / "sdk" / "jingwei_sdk"
FILE = ROOT / "sdk" / "api.txt"
TOOLS = ("scaffold", "check", "trust", "cli", "reference")
"""Rooms that authors run and do not import."""


def surface(package: Path = PACKAGE) -> list[str]:
    """The lines of the surface, sorted."""
    lines: set[str] = set()
    for path in sorted(package.rglob("*.py")):
        inner = path.relative_to(package).with_suffix("")
        parts = [part for part in inner.parts if part != "__init__"]
        if any(part.startswith("_") for part in parts) or (parts and parts[0] in TOOLS):
            continue
        module = ".".join([package.name, *parts])
        lines.update(_module(module, ast.parse(path.read_text(encoding="utf-8"))))
    return sorted(lines)


def _module(module: str, tree: ast.Module) -> Iterator[str]:
    offered = _offered(tree)
    typing_only = [
        inner
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in node.body
    ]
    for node in [*tree.body, *typing_only]:
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                if (alias.asname or alias.name) in offered:
                    yield f"{module}.{alias.asname or alias.name} = {node.module}.{alias.name}"
        yield from _member(module, node)


def _offered(tree: ast.Module) -> set[str]:
    """What ``__all__`` names: only so is an imported name part of a module's surface."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


def _member(owner: str, node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() if _is_public(node.name):
            yield f"{owner}.{_signature(node)}"
        case ast.ClassDef() if not node.name.startswith("_"):
            bases = ", ".join([ast.unparse(base) for base in node.bases])
            yield f"{owner}.{node.name} class({bases})"
            for inner in node.body:
                yield from _member(f"{owner}.{node.name}", inner)
        case ast.AnnAssign(target=ast.Name(id=name)) if not name.startswith("_"):
            default = "" if node.value is None else " = ..."
            yield f"{owner}.{name}: {ast.unparse(node.annotation)}{default}"
        case ast.Assign() if isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if not name.startswith("_"):
                yield f"{owner}.{name} = {_value(node.value)}"


def _is_public(name: str) -> bool:
    return not name.startswith("_") or name in ("__init__", "__call__")


def _value(node: ast.expr) -> str:
    """The member of an enumeration, an alias of types; anything longer is its own business."""
    text = ast.unparse(node)
    return text if isinstance(node, ast.Constant | ast.BinOp) and len(text) < 80 else "..."


def _signature(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    arguments = ast.parse(ast.unparse(node.args).join(("def f(", "): ...")))
    inner = arguments.body[0]
    assert isinstance(inner, ast.FunctionDef)
    for defaults in (inner.args.defaults, inner.args.kw_defaults):
        for place, default in enumerate(defaults):
            if default is not None:
                defaults[place] = ast.Constant(...)
    answer = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    is_async = "async " if isinstance(node, ast.AsyncFunctionDef) else ""
    marks = "".join(
        f" @{ast.unparse(mark)}"
        for mark in node.decorator_list
        if ast.unparse(mark) in ("property", "staticmethod", "classmethod")
    )
    return f"{node.name} {is_async}({ast.unparse(inner.args)}){answer}{marks}"


if __name__ == "__main__":
    FILE.write_text("\n".join(surface()) + "\n", encoding="utf-8")
    sys.stdout.write(f"wrote {FILE.relative_to(ROOT)}\n")
