"""Which changes of the surface break a plugin: what it hands over may only be asked for more
loosely, what it is given may only become more certain; anything else needs a new major.

What a plugin makes (declarations, arguments) is input; what it is given (answers, payloads, the
context) is output. A field that is added to an input needs a default.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

GIVEN = (
    "jingwei_sdk.context.",
    "jingwei_sdk.payloads.",
    "jingwei_sdk.hooks.Outcome.",
    "jingwei_sdk.testing.",
)
"""Names below these are made by the platform and read by plugins."""
IMPLEMENTED = ("jingwei_sdk.records.Finder", "jingwei_sdk.hooks.Implementation")
"""Protocols whose methods plugins write: there the arguments are what is given."""


@dataclass(frozen=True)
class Name:
    """One line of the surface: the full name, and what is said of it."""

    full: str
    told: str

    @property
    def owner(self) -> str:
        """The class or module it belongs to."""
        return self.full.rpartition(".")[0]


def breaking(old: list[str], new: list[str]) -> list[str]:
    """The changes from ``old`` to ``new`` lines that a plugin would feel, as sentences."""
    before, after = _names(_followed(old)), _names(_followed(new))
    found = [f"{name} is gone" for name in before if name not in after]
    for full, name in after.items():
        if full not in before:
            found += _added(name, before)
        elif before[full].told != name.told:
            found += [f"{full}: {problem}" for problem in _changed(before[full], name)]
    return sorted(found)


def _followed(lines: list[str]) -> list[str]:
    """The lines, with a name that is imported from elsewhere told as what it is there."""
    found = []
    for line in lines:
        name, mark, source = line.partition(" = jingwei_sdk.")
        if not mark:
            found.append(line)
            continue
        origin = f"jingwei_sdk.{source}"
        found += [
            name + other.removeprefix(origin)
            for other in lines
            if other.startswith((f"{origin} ", f"{origin}.", f"{origin}:"))
        ]
    return found


def _names(lines: list[str]) -> dict[str, Name]:
    found = {}
    for line in lines:
        head, _, rest = line.partition(" ")
        # A field says its type after a colon, everything else stands after a blank.
        name, told = (head[:-1], f": {rest}") if head.endswith(":") else (head, rest)
        found[name] = Name(name, told)
    return found


def _added(name: Name, before: dict[str, Name]) -> Iterator[str]:
    if name.owner not in before:
        return
    needed = name.told.startswith(": ") and not name.told.endswith(" = ...")
    if needed and not name.full.startswith(GIVEN) and "ClassVar" not in name.told:
        yield f"{name.full} is new and has no default"
    if name.owner in IMPLEMENTED:
        yield f"{name.full} has to be written by whoever implements {name.owner}"


def _changed(old: Name, new: Name) -> Iterator[str]:
    is_given = new.full.startswith(GIVEN)
    if old.told.startswith(": "):
        if old.told.endswith(" = ...") and not new.told.endswith(" = ...") and not is_given:
            yield "has no default any more"
        old_type, new_type = (text[2:].removesuffix(" = ...") for text in (old.told, new.told))
        yield from _type(old_type, new_type, is_output=is_given)
    elif "(" in old.told and "(" in new.told and not old.told.startswith("class("):
        yield from _signature(old, new)
    elif old.told.startswith("class("):
        lost = set(_parts(old.told[6:-1], ",")) - set(_parts(new.told[6:-1], ","))
        if lost:
            yield f"is no {', '.join(sorted(lost))} any more"
    elif not _is_version(new):
        yield from _type(old.told.lstrip("= "), new.told.lstrip("= "), is_output=is_given)


def _is_version(name: Name) -> bool:
    """The one constant that is meant to change."""
    return name.full.endswith(".SDK_VERSION")


def _signature(old: Name, new: Name) -> Iterator[str]:
    was, now = _function(old.told), _function(new.told)
    if isinstance(was, ast.AsyncFunctionDef) != isinstance(now, ast.AsyncFunctionDef):
        yield "changed between async and sync"
    implements = new.owner in IMPLEMENTED
    yield from _arguments(was.args, now.args, is_output=implements)
    yield from _type(
        ast.unparse(was.returns) if was.returns else "",
        ast.unparse(now.returns) if now.returns else "",
        is_output=not implements,
    )


def _arguments(was: ast.arguments, now: ast.arguments, *, is_output: bool) -> Iterator[str]:
    before, after = _given(was), _given(now)
    for name, (kind, has_default, annotation) in before.items():
        if name not in after:
            yield f"the argument {name} is gone"
            continue
        new_kind, new_default, new_annotation = after[name]
        if kind != new_kind and new_kind != "either":
            yield f"the argument {name} is {new_kind}"
        if has_default and not new_default:
            yield f"the argument {name} has no default any more"
        for problem in _type(annotation, new_annotation, is_output=is_output):
            yield f"the argument {name} {problem}"
    for name in after.keys() - before.keys():
        if not after[name][1]:
            yield f"the argument {name} is new and has no default"
    places = [name for name in before if before[name][0] != "keyword" and name in after]
    if places != [name for name in after if name in places]:
        yield "the order of the arguments changed"


def _given(arguments: ast.arguments) -> dict[str, tuple[str, bool, str]]:
    """Each argument: how it is given, whether it has a default, its type."""
    found: dict[str, tuple[str, bool, str]] = {}
    placed = [*arguments.posonlyargs, *arguments.args]
    first_default = len(placed) - len(arguments.defaults)
    for place, argument in enumerate(placed):
        kind = "positional" if argument in arguments.posonlyargs else "either"
        found[argument.arg] = (kind, place >= first_default, _annotation(argument))
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        found[argument.arg] = ("keyword", default is not None, _annotation(argument))
    for star in (arguments.vararg, arguments.kwarg):
        if star is not None:
            found[star.arg] = ("rest", True, _annotation(star))
    return found


def _annotation(argument: ast.arg) -> str:
    return ast.unparse(argument.annotation) if argument.annotation else ""


def _function(told: str) -> ast.FunctionDef | ast.AsyncFunctionDef:
    text = told.split(" @")[0]
    head, text = ("async def", text[6:]) if text.startswith("async ") else ("def", text)
    node = ast.parse(f"{head} f{text}: ...").body[0]
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    return node


def _type(old: str, new: str, *, is_output: bool) -> Iterator[str]:
    before, after = set(_parts(old, "|")), set(_parts(new, "|"))
    if is_output and not after <= before:
        yield f"was {old or 'untyped'} and is {new or 'untyped'}: an output may only tighten"
    if not is_output and not before <= after:
        yield f"was {old or 'untyped'} and is {new or 'untyped'}: an input may only relax"


def _parts(text: str, mark: str) -> list[str]:
    """The parts of a type between ``mark`` outside brackets."""
    parts, depth, part = [], 0, ""
    for letter in text:
        depth += (letter in "[(") - (letter in "])")
        if letter == mark and depth == 0:
            parts.append(part.strip())
            part = ""
        else:
            part += letter
    return [found for found in [*parts, part.strip()] if found]
