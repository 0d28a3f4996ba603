"""``manifest.md``, ``contributions.md`` and the JSON Schema: what a plugin says of itself."""

import dataclasses
import json
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from jingwei_sdk.manifest import Manifest, manifest_schema
from jingwei_sdk.plugin import Plugin
from tests.policy.sdk_pages.layout import page, table

TEXTS = tomllib.loads(Path(__file__).with_name("texts.toml").read_text(encoding="utf-8"))
"""What each key of the manifest and each field of ``Plugin`` is for, in both languages."""

_HEADS = {
    "zh": ("键", "默认", "用途"),
    "en": ("key", "default", "what it is for"),
}
_CONTRIBUTION = {"zh": ("字段", "用途"), "en": ("field", "what it is for")}
_GROUPS = (
    ("records", "数据", "Records"),
    ("commands", "命令", "Commands"),
    ("events", "事件与流程", "Event kinds and workflows"),
    ("reactions", "响应", "Reactions"),
    ("access", "权限", "Access"),
    ("presence", "界面", "Presence"),
    ("life", "生命周期", "Life cycle"),
)


def schema_file() -> str:
    """``plugin.schema.json``."""
    return json.dumps(manifest_schema(), ensure_ascii=False, indent=2) + "\n"


def manifest(locale: str) -> str:
    """The page of ``plugin.toml``."""
    lines = [
        (f"`{field.name}`", _default(field), TEXTS["manifest"][field.name][locale])
        for field in msgspec.structs.fields(Manifest)
    ]
    title = {"zh": "清单 plugin.toml", "en": "The manifest plugin.toml"}
    return page(locale, title[locale], table(_HEADS[locale], lines))


def contributions(locale: str) -> str:
    """The page of what a ``Plugin`` may bring, in the six groups."""
    parts = []
    for group, zh, en in _GROUPS:
        lines = [
            (f"`{field.name}`", TEXTS["plugin"][field.name][locale])
            for field in dataclasses.fields(Plugin)
            if TEXTS["plugin"][field.name]["group"] == group
        ]
        if lines:
            parts += [f"## {zh if locale == 'zh' else en}", table(_CONTRIBUTION[locale], lines)]
    title = {"zh": "插件可以贡献什么", "en": "What a plugin can contribute"}
    return page(locale, title[locale], *parts)


def _default(field: Any) -> str:
    if field.required:
        return ""
    value = None if field.default_factory is not msgspec.NODEFAULT else field.default
    return f"`{value}`" if value else "empty"
