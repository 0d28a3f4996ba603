"""``hooks.md``: the hooks there are, from :data:`jingwei_sdk.hook_specs.ALL_HOOKS`."""

import msgspec

from jingwei_sdk.hook_specs import ALL_HOOKS
from jingwei_sdk.hooks import Failure, Hook, Mode
from tests.policy.sdk_pages.layout import page, table

_TITLE = {"zh": "钩子", "en": "Hooks"}
_HEADS = {
    "zh": ("钩子", "方式", "收到", "失败时", "限时", "自版本"),
    "en": ("hook", "mode", "given", "on failure", "time limit", "since"),
}
_FIELDS = {"zh": ("字段", "类型"), "en": ("field", "type")}
_MODES = {
    "zh": {
        Mode.COLLECT: "提交后逐一告知",
        Mode.VETO: "事务内，可否决",
        Mode.FIRST: "第一个答复算数",
        Mode.FOLD: "依次加工",
    },
    "en": {
        Mode.COLLECT: "all are told, after the commit",
        Mode.VETO: "inside the transaction, may veto",
        Mode.FIRST: "the first answer counts",
        Mode.FOLD: "each is given what the one before answered",
    },
}
_FAILURES = {
    "zh": {Failure.SKIP: "略过", Failure.DENY: "拒绝", Failure.ABORT: "中止"},
    "en": {Failure.SKIP: "skipped", Failure.DENY: "denied", Failure.ABORT: "aborted"},
}


def hooks(locale: str) -> str:
    """The page."""
    lines = [_line(hook, locale) for hook in ALL_HOOKS]
    parts = [table(_HEADS[locale], lines)]
    for hook in ALL_HOOKS:
        parts += [f"## {hook.name}", hook.description, table(_FIELDS[locale], _fields(hook.given))]
    return page(locale, _TITLE[locale], *parts)


def _line(hook: Hook[object, object], locale: str) -> tuple[str, ...]:
    return (
        f"[`{hook.name}`](#{hook.name})",
        _MODES[locale][hook.mode],
        f"`{hook.given.__name__}`",
        _FAILURES[locale][hook.failure],
        f"{hook.timeout_s:g} s",
        hook.since,
    )


def _fields(given: type) -> list[tuple[str, str]]:
    if not issubclass(given, msgspec.Struct):
        return []
    return [(f"`{f.name}`", f"`{_type(f.type)}`") for f in msgspec.structs.fields(given)]


def _type(kind: object) -> str:
    return kind.__name__ if isinstance(kind, type) else str(kind).replace("typing.", "")
