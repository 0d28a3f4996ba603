"""Wherever the platform calls a plugin's function, it is given that package's context.

``given_to(owner, ctx)`` stands between the core's context, which may send any SQL, and code that
the core did not write. What counts as such a function is read from the SDK's declarations.
"""

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import cache

import pytest

import jingwei_sdk
from tests.policy.project import Source, sources

GIVES = frozenset({"given_to", "given_by_claim"})
ROOMS = ("core/jingwei_core/", "frontend_api/jingwei_api/")
UNTYPED = {"handler", "resolve", "function"}
"""Those that are annotated with ``Callable[..., …]`` and take one all the same."""

SERVICES = ("recipients.resolve", "places.find", "supervising.answer", "replaying.run")
"""Services of the core whose methods are called as one of them."""

EXEMPT = {
    "core/jingwei_core/routing/supervising.py:supervise": "the core's recipients, by a name",
    "frontend_api/jingwei_api/testing/captures.py:_told": "hands on what the dispatcher gave",
}


@cache
def function_fields() -> frozenset[str]:
    """The fields of the SDK's declarations that hold functions which take a context first."""
    found = set(UNTYPED)
    for module in pkgutil.walk_packages(jingwei_sdk.__path__, "jingwei_sdk."):
        if ".testing" in module.name or ".scaffold" in module.name or ".check" in module.name:
            continue
        for kind in vars(importlib.import_module(module.name)).values():
            if isinstance(kind, type) and is_dataclass(kind):
                found |= {each.name for each in fields(kind) if _takes_context(str(each.type))}
    return frozenset(found)


def _takes_context(annotation: str) -> bool:
    shown = annotation.replace("jingwei_sdk.context.", "")
    return "Callable[[Context" in shown or shown == "Resolve"


def whole_contexts(source: Source) -> list[str]:
    """The calls of a plugin's function with something else than what ``given_to`` answered."""
    found = []
    for function in ast.walk(source.tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        given = _given_names(source.tree if _is_inner(source.tree, function) else function)
        for call, argument in _calls(function):
            if not _is_given(argument, given) and _is_context(argument):
                found.append(f"{source.path}:{_outer(source.tree, function)}:{call.lineno}")
    return sorted(set(found))


def _calls(function: ast.AST) -> Iterator[tuple[ast.Call, ast.expr]]:
    """The calls of functions out of declarations, straight or by ``partial``, with the context."""
    names = function_fields()
    for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
        called, arguments = call.func, call.args
        if isinstance(called, ast.Name) and called.id == "partial" and arguments:
            called, arguments = arguments[0], arguments[1:]
        is_one = (
            called.attr in names and not ast.unparse(called).endswith(SERVICES)
            if isinstance(called, ast.Attribute)
            else isinstance(called, ast.Name) and called.id in UNTYPED
        )
        if arguments and is_one:
            yield call, arguments[0]


def _is_given(argument: ast.expr, given: set[str]) -> bool:
    if isinstance(argument, ast.Call):
        return getattr(argument.func, "id", "") in GIVES
    return isinstance(argument, ast.Name) and argument.id in given


def _is_context(argument: ast.expr) -> bool:
    words = {getattr(node, "id", getattr(node, "attr", "")) for node in ast.walk(argument)}
    return any("ctx" in word or word in ("context", "told", "core") for word in words)


def _given_names(tree: ast.AST) -> set[str]:
    """The names that only ever stand for what ``given_to`` answered."""
    bound: dict[str, list[bool]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            bound.setdefault(node.targets[0].id, []).append(_is_given(node.value, set()))
    return {name for name, told in bound.items() if all(told)}


def _is_inner(tree: ast.AST, function: ast.AST) -> bool:
    return _outer(tree, function) != getattr(function, "name", "")


def _outer(tree: ast.AST, function: ast.AST) -> str:
    """The function of the module or class in which a function stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and function in ast.walk(node):
            return node.name
    return ""


def looked_at() -> list[Source]:
    return [source for source in sources(".py") if source.path.startswith(ROOMS)]


def test_no_function_of_a_plugin_is_given_the_cores_context() -> None:
    found = [place for source in looked_at() for place in whole_contexts(source)]
    assert {place.rpartition(":")[0] for place in found} == set(EXEMPT), found


def test_every_kind_of_function_is_called_somewhere() -> None:
    """A new one, or one that is called in a way that the rule above does not see, is named here."""
    called = {
        getattr(node, "attr", getattr(node, "id", ""))
        for source in looked_at()
        for call, _ in _calls(source.tree)
        for node in (call.func, *call.args[:1])
    }
    assert sorted(function_fields() - called) == []


@pytest.mark.parametrize(
    "place",
    [each.path for each in looked_at() if "commands.plugin_context import" in each.text],
)
def test_each_place_that_gives_it_would_be_found_without(place: str) -> None:
    (source,) = (each for each in looked_at() if each.path == place)
    bare = source.text.replace("given_to(", "_whole_ctx(").replace("given_by_claim(", "_whole_ctx(")
    spoilt = Source(source.path, bare)
    assert len(whole_contexts(spoilt)) > len(whole_contexts(source))
