"""Rights of a person (个人信息权利): a copy of their data and its erasure, over all packages.

The core and every installed plugin answer, also plugins that the tenant has switched off: their
rows are still there. Where a plugin has tables but its code is not installed, nobody can answer for
it, and the whole is refused.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jingwei_core.audit.writing import append_audit
from jingwei_core.commands.data import Change, UnitData
from jingwei_core.commands.plugin_context import given_to
from jingwei_core.session import CoreContext, system_context
from jingwei_sdk.data_rights import ACCOUNT, DataRights
from jingwei_sdk.errors import Conflict, NotFound
from jingwei_sdk.hook_specs import extend_subject_export
from jingwei_sdk.payloads import SubjectExport

if TYPE_CHECKING:
    from jingwei_core.platform import Platform

_ORPHANS = """
SELECT n.nspname || '.' || c.relname AS name FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname IN (
    SELECT app FROM platform.migration WHERE NOT app = ANY($1)) ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Copy:
    """The copy of a person's data: what each package holds by topic, and what plugins added."""

    subject: str
    subject_id: uuid.UUID
    packages: Mapping[str, Mapping[str, Any]]
    added: Mapping[str, Any]

    def told(self) -> dict[str, Any]:
        """The copy as plain values."""
        return {
            "subject": self.subject,
            "id": str(self.subject_id),
            "packages": dict(self.packages),
            "added": dict(self.added),
        }


async def export_subject(
    platform: "Platform", slug: str, who: str, *, record: str = ACCOUNT
) -> Copy:
    """The copy of a person's data that they may ask for.

    ``who`` is the login of an account, or the id of a row of ``record``: people whom a plugin keeps
    have no account. Raises ``NotFound`` (``TENANT_NOT_FOUND``, ``ACCOUNT_UNKNOWN``,
    ``SUBJECT_UNKNOWN``) and what the package raises for an id it does not know, ``Conflict``
    (``SUBJECT_CODE_MISSING``) naming tables whose plugin is not installed.
    """
    state = await platform.state(slug)
    async with system_context(platform, state.tenant, "privacy.export") as ctx:
        subject, rights = await _subject(ctx, record, who), await _rights(ctx, record)
        packages = {
            plugin: dict(await right.export(given_to(plugin, ctx), subject))
            for plugin, right in rights
        }
        given = SubjectExport(record, subject)
        extended = await platform.hooks.fold(ctx, extend_subject_export, given)
        _note(ctx, subject, {"exported": sorted(packages)})
        await append_audit(ctx, "privacy.export", subject)
    return Copy(record, subject, packages, extended.topics)


async def erase_subject(
    platform: "Platform", slug: str, who: str, *, record: str = ACCOUNT
) -> Mapping[str, int]:
    """Erase a person's data in all packages, in one transaction; rows changed by package.

    The audit log stays whole and says that it was done, without a value. Raises as
    :func:`export_subject` does, and whatever a package raises: then nothing was erased.
    """
    state = await platform.state(slug)
    async with system_context(platform, state.tenant, "privacy.erase") as ctx:
        subject, rights = await _subject(ctx, record, who), await _rights(ctx, record)
        # The core last: plugins may still look at whom they are asked for.
        erased = {
            plugin: await right.erase(given_to(plugin, ctx), subject)
            for plugin, right in reversed(rights)
        }
        _note(ctx, subject, {"erased": erased})
        await append_audit(ctx, "privacy.erase", subject)
    platform.access_cache.drop(state.tenant.id, subject)
    return erased


def _note(ctx: CoreContext, subject: uuid.UUID, told: Mapping[str, Any]) -> None:
    """Only this goes into the audit log: a changed row would bring along what was erased."""
    assert isinstance(ctx.data, UnitData)
    ctx.data.changes.clear()
    ctx.data.changes.append(Change("subject", subject, None, told, None))


async def _account(ctx: CoreContext, login: str) -> uuid.UUID:
    found: uuid.UUID | None = await ctx.unit.fetchval(
        "SELECT id FROM core.account WHERE login = $1", login
    )
    if found is None:
        raise NotFound("ACCOUNT_UNKNOWN", login=login)
    return found


async def _subject(ctx: CoreContext, record: str, who: str) -> uuid.UUID:
    if record == ACCOUNT:
        return await _account(ctx, who)
    try:
        return uuid.UUID(who)
    except ValueError:
        raise NotFound("SUBJECT_UNKNOWN", record=record, who=who) from None


async def _rights(ctx: CoreContext, record: str) -> list[tuple[str, DataRights]]:
    """Who answers for what, the core first; only plugins whose tables are there are asked."""
    host = ctx.platform.host
    plugins = [found.plugin for found in host.installed() if found.plugin is not None]
    rows = await ctx.unit.fetch("SELECT DISTINCT app FROM platform.migration")
    migrated = {row["app"] for row in rows}
    known = {"platform", "jobs", "core", *(plugin.id.replace("-", "_") for plugin in plugins)}
    orphans = await ctx.unit.fetch(_ORPHANS, sorted(known))
    if orphans:
        raise Conflict("SUBJECT_CODE_MISSING", tables=", ".join(row["name"] for row in orphans))
    asked = [host.core, *(p for p in plugins if not p.tables or p.id.replace("-", "_") in migrated)]
    found = [
        (plugin.id, right)
        for plugin in asked
        for right in plugin.data_rights
        if right.subject == record
    ]
    if not found:
        raise NotFound("SUBJECT_UNKNOWN", record=record, who="")
    return found
