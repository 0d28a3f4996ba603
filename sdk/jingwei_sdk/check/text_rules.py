"""Rules of words (文本, JW-601 to 604): what users read is there in Chinese and English."""

import ast
import re
import string
import tomllib
from collections.abc import Iterator, Mapping

import msgspec

from jingwei_sdk.check.found import Found, Said, at
from jingwei_sdk.check.subject import MANIFEST_FILE, Subject
from jingwei_sdk.messages import LOCALES
from jingwei_sdk.settings import undescribed_in

MESSAGES = "messages.toml"
_CODE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
_CHINESE = re.compile(r"[\u3400-\u9fff]")
_ERRORS = frozenset(
    {
        *("Conflict", "Denied", "Invalid", "JingweiError", "NotFound", "RateLimited"),
        *("Refused", "Unauthenticated", "Unavailable", "Veto"),
    }
)
_ALWAYS_GIVEN = frozenset({"field", "row", "file"})
Texts = Mapping[str, Mapping[str, str]]


def texts_of(subject: Subject) -> Texts:
    """The plugin's catalogue by code; empty when there is none or it cannot be read. What is no
    table of texts has no text."""
    source = subject.shipped(MESSAGES)
    try:
        found = {} if source is None else tomllib.loads(source.text)
    except tomllib.TOMLDecodeError:
        return {}
    return {
        code: {name: str(text) for name, text in told.items()} if isinstance(told, dict) else {}
        for code, told in found.items()
    }


def raised_codes(subject: Subject) -> Iterator[tuple[str, int, str, ast.Call]]:
    """File, line, code and call of each error the plugin raises with a code of its own."""
    for source in subject.code:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and node.args:
                name, first = ast.unparse(node.func).rpartition(".")[2], node.args[0]
                code = first.value if isinstance(first, ast.Constant) else None
                if name in _ERRORS and isinstance(code, str) and _CODE.fullmatch(code):
                    yield source.path, node.lineno, code, node


def texts_complete(subject: Subject) -> Iterator[Found]:
    """Each raised code has a text in both languages, and the text gets what it speaks of."""
    known = texts_of(subject)
    for file, line, code, call in raised_codes(subject):
        texts = known.get(code, {})
        missing = [locale for locale in LOCALES if not texts.get(locale)]
        if missing:
            yield at(file, line, code=code, cause=_lacks(missing))
            continue
        if _cannot_be_filled(texts):
            continue  # told below
        given = {keyword.arg for keyword in call.keywords}
        is_open = None in given or ast.unparse(call.func).endswith("Veto")
        lacking = sorted(_places(texts) - {name for name in given if name} - _ALWAYS_GIVEN)
        if lacking and not is_open:
            yield at(file, line, code=code, cause=f"{{{lacking[0]}}}")
    for code, texts in known.items():
        if not texts or _cannot_be_filled(texts):
            cause = Said("不是可以填写的文本", "no text that can be filled")
            yield at(subject.path_of(MESSAGES), code=code, cause=cause)
        if ("next_zh" in texts) != ("next_en" in texts):
            yield at(
                subject.path_of(MESSAGES),
                code=code,
                cause=Said("下一步只有一种语言", "a next step in one language"),
            )


def texts_used(subject: Subject) -> Iterator[Found]:
    """No text is left over."""
    words = {
        node.value
        for source in subject.code
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    file = subject.shipped(MESSAGES)
    for code in texts_of(subject):
        if code not in words and file is not None:
            yield at(file.path, file.line_of(f"[{code}]"), code=code)


def both_languages(subject: Subject) -> Iterator[Found]:
    """Names in the manifest and in the declarations are said in both languages."""
    where = subject.path_of(MANIFEST_FILE)
    for name, zh, en in _pairs(subject):
        if not _CHINESE.search(zh):
            yield at(where, name=name, language="zh", text=zh)
        if not en.strip() or _CHINESE.search(en):
            yield at(where, name=name, language="en", text=en)


def _pairs(subject: Subject) -> Iterator[tuple[str, str, str]]:
    manifest, plugin = subject.manifest, subject.plugin
    if manifest is not None:
        yield "name", manifest.name_zh, manifest.name_en
        yield "description", manifest.description_zh, manifest.description_en
        yield from ((each.code, each.zh, each.en) for each in manifest.permissions)
        yield from ((each.code, each.zh, each.en) for each in manifest.roles)
    if plugin is not None:
        for kind in plugin.event_kinds:
            yield kind.code, kind.name_zh, kind.name_en
        yield from ((each.code, each.zh, each.en) for each in plugin.navigation)
        yield from ((each.code, each.zh, each.en) for each in plugin.map_layers)
        yield from ((each.code, each.zh, each.en) for each in plugin.indicators)
        yield from ((each.code, each.zh, each.en) for each in plugin.channels)
        for page in plugin.public_pages:
            yield page.path, page.zh, page.en
        yield from ((each.path, each.zh, each.en) for each in plugin.public_forms)


def settings_described(subject: Subject) -> Iterator[Found]:
    """Whoever sets something reads what it does, in both languages."""
    manifest, plugin = subject.manifest, subject.plugin
    names: list[str] = []
    if plugin is not None and plugin.settings is not None:
        names = plugin.settings.undescribed()
    elif manifest is not None:
        names = undescribed_in(manifest.settings)
    for name in names:
        yield at(subject.path_of(MANIFEST_FILE), name=name)


def setting_names(subject: Subject) -> list[str]:
    """The settings of the plugin."""
    manifest, plugin = subject.manifest, subject.plugin
    if plugin is not None and plugin.settings is not None:
        return [field.name for field in msgspec.structs.fields(plugin.settings.schema)]
    return list(manifest.settings.get("properties", {})) if manifest is not None else []


def _lacks(locales: list[str]) -> Said:
    names = {"zh": ("中文", "zh"), "en": ("英文", "en")}
    zh, en = zip(*(names[locale] for locale in locales), strict=True)
    return Said(f"没有{'、'.join(zh)}文本", f"no {', '.join(en)}")


def _cannot_be_filled(texts: Mapping[str, str]) -> bool:
    try:
        return any(not name.isidentifier() for name in _places(texts))
    except ValueError:
        return True


def _places(texts: Mapping[str, str]) -> set[str]:
    return {
        re.split(r"[.\[]", name)[0]
        for text in texts.values()
        for _, name, _, _ in string.Formatter().parse(text)
        if name
    }


RULES = {
    "JW-601": texts_complete,
    "JW-602": texts_used,
    "JW-603": both_languages,
    "JW-604": settings_described,
}
