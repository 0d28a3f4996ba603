"""Checklists (检查表): versions of what an inspection asks, and the two that are shipped."""

import tomllib
from importlib.resources import files
from typing import Annotated, Any

import msgspec

from jingwei_safety_production.records import CHECKLIST
from jingwei_safety_production.tables import SafetyChecklist
from jingwei_sdk.commands import command
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Invalid

WRITE = "safety.checklist.write"

Code = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9]+([.-][a-z0-9]+)*$", max_length=60)]
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class SafetyChecklistItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """检查项: what to look at, in both languages, and the rule that asks for it."""

    code: Code
    zh: Words
    en: Words
    law: Annotated[
        str, msgspec.Meta(max_length=200, description="e.g. 安全生产法（2021）第四十二条")
    ]


class NewChecklist(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A checklist; saving one whose ``code`` is known makes its next version."""

    code: Code
    name: Words
    items: Annotated[tuple[SafetyChecklistItem, ...], msgspec.Meta(min_length=1, max_length=200)]
    name_en: Annotated[str, msgspec.Meta(max_length=500)] = ""


class SafetyLoadedChecklists(msgspec.Struct, frozen=True):
    """Codes of the standard checklists that were added, and of those that were there."""

    added: list[str]
    kept: list[str]


@command("safety.checklist.save", permission=WRITE, tenant_wide=True, returns=CHECKLIST)
async def save(ctx: Context, new: NewChecklist) -> SafetyChecklist:
    """保存检查表: a new checklist, or the next version of one; older inspections keep theirs.

    Raises ``Invalid`` (``SAFETY_ITEM_TWICE``) when two items have one code.
    """
    codes = [item.code for item in new.items]
    twice = sorted({code for code in codes if codes.count(code) > 1})
    if twice:
        raise Invalid("SAFETY_ITEM_TWICE", field="items", items=twice)
    versions = await ctx.data.find(SafetyChecklist, code=new.code)
    for version in versions:
        if version.is_current:
            await ctx.data.update(version, is_current=False)
    row = SafetyChecklist(
        code=new.code,
        number=1 + max((version.number for version in versions), default=0),
        name=new.name.strip(),
        name_en=new.name_en.strip(),
        items=_document(new),
    )
    return await ctx.data.insert(row)


@command("safety.checklist.load-standard", permission=WRITE, tenant_wide=True)
async def load_standard(ctx: Context) -> SafetyLoadedChecklists:
    """载入标准检查表: the checklists of ``checklists.toml``.

    One that the tenant has loaded before is kept, with the tenant's own later versions.
    """
    answer = SafetyLoadedChecklists([], [])
    for standard in standard_checklists():
        versions = await ctx.data.find(SafetyChecklist, code=standard.code)
        if any(stored_items(version) == _document(standard) for version in versions):
            answer.kept.append(standard.code)
            continue
        await save(ctx, standard)
        answer.added.append(standard.code)
    return answer


def standard_checklists() -> tuple[NewChecklist, ...]:
    """小型商铺/餐饮 and 工业企业, as the plugin ships them."""
    text = files(__package__).joinpath("checklists.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text)["checklists"], tuple[NewChecklist, ...])


def item_codes(checklist: SafetyChecklist) -> list[str]:
    """The codes of a stored checklist's items, in its order."""
    return [item["code"] for item in stored_items(checklist)]


def stored_items(checklist: SafetyChecklist) -> list[dict[str, str]]:
    """The items of a checklist that was read: a JSON column comes back as its value."""
    value: Any = checklist.items
    items: list[dict[str, str]] = value
    return items


def _document(checklist: NewChecklist) -> list[dict[str, str]]:
    return [msgspec.to_builtins(item) for item in checklist.items]
