"""``python.md``: what an author imports, from the surface of the SDK and its docstrings."""

import importlib
import inspect
import re
from collections.abc import Iterator

from tests.policy.sdk_pages.layout import page, table
from tests.policy.surface.listing import surface

_TITLE = {"zh": "Python 名称", "en": "Python names"}
_INTRO = {
    "zh": "插件导入的名称，按模块列出；签名与说明取自 SDK 本身，`...` 表示有默认值。",
    "en": "What a plugin imports, by module, with the SDK's own words; `...` stands for a default.",
}
_HEADS = {"zh": ("名称", "说明"), "en": ("name", "what it is")}
# In the order in which an author meets them.
_MODULES = (
    "plugin",
    "tables",
    "personal",
    "records",
    "commands",
    "context",
    "errors",
    "settings",
    "questions",
    "events",
    "reminders",
    "indicators",
    "figures",
    "presence",
    "workflows",
    "upgrades",
    "data_rights",
    "demo",
    "testing.contract",
    "testing.queries",
)
_ROLE = re.compile(r":\w+:`~?([^`]+)`")


def names(locale: str) -> str:
    """The page."""
    lines = surface()
    parts = [_INTRO[locale]]
    for module in _MODULES:
        full = f"jingwei_sdk.{module}"
        inside = [line.removeprefix(f"{full}.") for line in lines if line.startswith(f"{full}.")]
        parts += [f"## {full}", table(_HEADS[locale], _rows(full, inside))]
    return page(locale, _TITLE[locale], *parts)


def _rows(module: str, lines: list[str]) -> Iterator[tuple[str, str]]:
    """A row for each class with its fields, each method and each function."""
    classes = [line.partition(" ")[0] for line in lines if re.match(r"\w+ class\(", line)]
    for line in lines:
        name, _, told = line.partition(" ")
        name = name.rstrip(":")
        if name in classes:
            fields = ", ".join(_fields(name, lines))
            yield f"**`{name}`**" + (f"<br>`{fields}`" if fields else ""), _words(module, name)
        elif told.startswith(("(", "async (")) and not name.endswith("__"):
            yield f"`{name} {_called(told)}`", _words(module, name)


def _fields(owner: str, lines: list[str]) -> Iterator[str]:
    for line in lines:
        field = line.removeprefix(f"{owner}.")
        if field != line and re.match(r"\w+(: | = )", field):
            yield field
        elif field.startswith("__init__ "):
            yield _called(field.removeprefix("__init__ "))


def _called(signature: str) -> str:
    """A signature as its caller sees it."""
    return signature.replace("(self, ", "(").replace("(self)", "()")


def _words(module: str, name: str) -> str:
    found = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return _ROLE.sub(r"`\1`", inspect.getdoc(found) or "").replace("``", "`")
