"""Imports that run (运行时导入), by syntax tree: what a module loads, and where it says so."""

import ast
from collections.abc import Iterator

_LOADERS = {"import_module", "importlib.import_module", "__import__"}


def runtime_imports(node: ast.AST) -> Iterator[tuple[int, str]]:
    """The line and full name of everything a module imports when it runs.

    Imports for types only (``if TYPE_CHECKING``) load nothing and are left out; a name handed to
    ``import_module`` as a literal counts like a statement, relative imports stay inside.
    """
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from ((child.lineno, alias.name) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            if child.level == 0 and child.module:
                yield child.lineno, child.module
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for other in child.orelse:
                yield from runtime_imports(ast.Module([other], []))
        else:
            if isinstance(child, ast.Call):
                yield from _loaded_by_name(child)
            yield from runtime_imports(child)


def imported_names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """The line and dotted name of each thing imported by ``from … import …``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def calls(tree: ast.AST) -> Iterator[tuple[ast.Call, str]]:
    """Each call with the dotted name of what is called, as written there."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node, ast.unparse(node.func)


def is_loader(name: str) -> bool:
    """Whether a function of this name imports what its argument says."""
    return name in _LOADERS


def _loaded_by_name(call: ast.Call) -> Iterator[tuple[int, str]]:
    if is_loader(ast.unparse(call.func)) and call.args:
        first = call.args[0]
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield call.lineno, first.value
