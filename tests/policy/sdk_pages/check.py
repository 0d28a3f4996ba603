"""``check.md``: every rule of ``plugin check`` with its tier, reason and examples."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

from jingwei_sdk.check.rules import RULES, Example, Rule, Tier
from tests.policy.sdk_pages.layout import page, table

_TITLE = {"zh": "插件检查规则", "en": "The rules of plugin check"}
_INTRO: dict[str, str] = tomllib.loads(
    Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
)
_HEADS = {"zh": ("规则", "等级", "要求"), "en": ("rule", "tier", "what it demands")}
_GROUPS = {
    1: ("清单", "Manifest"),
    2: ("房间与能力", "Rooms and capabilities"),
    3: ("权限", "Permissions"),
    4: ("数据", "Data"),
    5: ("接口", "Interface"),
    6: ("文本、文档与测试", "Texts, docs and tests"),
    7: ("信任", "Trust"),
    8: ("弃用", "Deprecations"),
    9: ("平台", "Platform"),
}
_WORDS = {
    "zh": {"bad": "不通过", "good": "通过", "next": "怎样改", "gone": "删去 `{file}`"},
    "en": {
        "bad": "Breaks it",
        "good": "Keeps it",
        "next": "What to do",
        "gone": "Without `{file}`",
    },
}


def check(locale: str) -> str:
    """The page."""
    overview = [
        (
            f"[{rule.id}](#{rule.id.lower()})",
            rule.tier.label,
            rule.words.in_language("title", locale),
        )
        for tier in Tier
        for rule in RULES.values()
        if rule.tier is tier
    ]
    parts = [_INTRO[locale], table(_HEADS[locale], overview)]
    for group, names in _GROUPS.items():
        parts.append(f"## {names[0] if locale == 'zh' else names[1]}")
        for rule in RULES.values():
            if rule.group == group:
                parts += _told(rule, locale)
    return page(locale, _TITLE[locale], *parts)


def _told(rule: Rule, locale: str) -> Iterator[str]:
    words, told = rule.words, _WORDS[locale]
    yield f"### {rule.id}"
    title, reason = words.in_language("title", locale), words.in_language("reason", locale)
    yield f"**{title}** ({rule.tier.label}). {reason}"
    yield from _example(told["bad"], words.bad, told)
    if words.good is not None:
        yield from _example(told["good"], words.good, told)
    step = words.in_language("next", locale)
    if "{" not in step:
        yield f"{told['next']}: {step}"


def _example(label: str, example: Example, told: dict[str, str]) -> Iterator[str]:
    if not example.text and not example.replaces:
        yield f"{label}: {told['gone'].format(file=example.file)}"
        return
    kind = example.file.rpartition(".")[2]
    gone = [f"-{line}" for line in example.replaces.strip("\n").splitlines()]
    come = [f"+{line}" for line in example.text.strip("\n").splitlines()]
    lines = "\n".join([*gone, *come] if gone else example.text.strip("\n").splitlines())
    yield f"{label} (`{example.file}`):\n\n```{'diff' if gone else kind}\n{lines}\n```"
