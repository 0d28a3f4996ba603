"""Rules of access (权限, JW-3xx): denied by default, and nothing declared in vain."""

from collections.abc import Iterator

from jingwei_sdk.check.found import Found, at
from jingwei_sdk.check.subject import MANIFEST_FILE, Subject
from jingwei_sdk.commands import declaration
from jingwei_sdk.plugin import Plugin
from jingwei_sdk.presence import OPEN_TO_PUBLIC, PUBLIC


def declared_permissions(subject: Subject) -> Iterator[Found]:
    """Whatever the plugin offers names a permission of its own manifest."""
    manifest, plugin = subject.manifest, subject.plugin
    if manifest is None or plugin is None:
        return
    own = {permission.code for permission in manifest.permissions}
    for thing, code in offered(plugin):
        if code not in own:
            yield at(subject.path_of(MANIFEST_FILE), thing=thing, code=code or "-")


def used_permissions(subject: Subject) -> Iterator[Found]:
    """Each declared permission guards something."""
    manifest, plugin, words = subject.manifest, subject.plugin, set[str]()
    if manifest is None or plugin is None:
        return
    used = {code for _, code in offered(plugin)}
    for source in subject.code:
        words |= {code for code in _codes(subject) if code in source.text}
    file = subject.shipped(MANIFEST_FILE)
    for code in _codes(subject):
        if code not in used | words and file is not None:
            yield at(file.path, file.line_of(code), code=code)


def one_prefix(subject: Subject) -> Iterator[Found]:
    """All permissions of a plugin share their first part."""
    manifest = subject.manifest
    codes = _codes(subject)
    own = manifest.permission_prefix if manifest is not None else ""
    first = own or (codes[0].partition(".")[0] if codes else "")
    file = subject.shipped(MANIFEST_FILE)
    for code in codes:
        if code.partition(".")[0] != first and file is not None:
            yield at(file.path, file.line_of(code), code=code, prefix=first)


def offered(plugin: Plugin) -> Iterator[tuple[str, str]]:
    """Everything a plugin offers to users, with the permission that guards it; a public form with
    those that it acts with."""
    for record in plugin.records:
        yield record.name, record.read
        yield from ((f"{record.name}.{name}", code) for name, code in record.guarded.items())
        for name, field in record.computed.items():
            if field.permission:
                yield f"{record.name}.{name}", field.permission
    for handler in plugin.commands:
        command = declaration(handler)
        yield command.name, command.permission
    for extension in plugin.extensions:
        for name, field in extension.computed.items():
            yield f"{extension.record}.{name}", field.permission or ""
    for question in plugin.questions:
        if not question.signed_in:
            yield question.name, question.permission
    yield from ((each.code, each.permission) for each in plugin.navigation)
    yield from ((each.code, each.permission) for each in plugin.map_layers)
    yield from ((each.code, each.permission) for each in plugin.indicators)
    for page in plugin.public_pages:
        if page.permission != PUBLIC:
            yield page.path, page.permission
    for form in plugin.public_forms:
        yield from ((form.path, code) for code in form.acts_with if code not in OPEN_TO_PUBLIC)


def _codes(subject: Subject) -> list[str]:
    manifest = subject.manifest
    return [permission.code for permission in manifest.permissions] if manifest is not None else []


RULES = {"JW-301": declared_permissions, "JW-302": used_permissions, "JW-303": one_prefix}
