"""Signed links (签名链接): how evidence is looked at, for a few minutes each.

Who may see the row may see its picture; the store itself answers to nobody without a link.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jingwei_core.evidence.facts import ImageFormat
from jingwei_core.evidence.store import Download, ObjectStore
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context
from jingwei_sdk.records import Computed, Resolve

ORIGINAL_PERMISSION = "evidence.original"
"""The original still says where and by which phone it was taken; derived pictures do not."""

_NEEDS = ("id", "status", "store_key", "content_type", "derivative_key", "thumbnail_key")
_ENDINGS = {
    ImageFormat.JPEG.value: "jpg",
    ImageFormat.PNG.value: "png",
    ImageFormat.WEBP.value: "webp",
    "text/html": "html",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
}
_ROWS = """
SELECT id, status, store_key, content_type, derivative_key, thumbnail_key
FROM core.evidence WHERE id = ANY($1::uuid[])
"""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Look:
    """One way to look at evidence: which object, and under what name it is offered."""

    column: str
    suffix: str
    is_derived: bool = True

    def shown(self, row: Row) -> Download:
        """How the object presents itself: derived ones in place, the original as a file."""
        kind = ImageFormat.JPEG.value if self.is_derived else row["content_type"]
        name = f"{row['id']}{self.suffix}.{_ENDINGS[kind]}"
        return Download(name, kind, inline=self.is_derived)


VIEW = Look("derivative_key", "")
THUMBNAIL = Look("thumbnail_key", "-small")
ORIGINAL = Look("store_key", "-original", is_derived=False)


async def signed_link(store: ObjectStore, row: Row, look: Look, expires_s: int) -> str | None:
    """A link to one object of an evidence row; ``None`` before its commit."""
    if row["status"] != "committed" or not row[look.column]:
        return None
    return await store.presign_download(row[look.column], look.shown(row), expires_s)


def evidence_links() -> dict[str, Computed]:
    """The link fields of the record ``Evidence``."""
    return _fields(_of_evidence, _NEEDS)


def step_links() -> dict[str, Computed]:
    """The link fields of a record with a column ``evidence``: who sees the row sees the picture."""
    return _fields(_of_reference, ("evidence",))


def _fields(resolver: Any, needs: tuple[str, ...]) -> dict[str, Computed]:
    return {
        "view_url": Computed(
            str | None, needs, resolver(VIEW), description="at most 1600 pixels, no metadata"
        ),
        "thumbnail_url": Computed(
            str | None, needs, resolver(THUMBNAIL), description="at most 320 pixels, no metadata"
        ),
        "original_url": Computed(
            str | None,
            needs,
            resolver(ORIGINAL),
            permission=ORIGINAL_PERMISSION,
            description="the locked original, as a download",
        ),
    }


def _of_evidence(look: Look) -> Resolve:
    async def resolve(ctx: Context, rows: Sequence[Row]) -> Sequence[object]:
        return await _links(ctx, rows, look)

    return resolve


def _of_reference(look: Look) -> Resolve:
    async def resolve(ctx: Context, rows: Sequence[Row]) -> Sequence[object]:
        wanted: list[uuid.UUID] = sorted({row["evidence"] for row in rows})
        found = await ctx.data.fetch(_ROWS, wanted)
        links = await _links(ctx, found, look)
        by_id = {row["id"]: link for row, link in zip(found, links, strict=True)}
        return [by_id.get(row["evidence"]) for row in rows]

    return resolve


async def _links(ctx: Context, rows: Sequence[Row], look: Look) -> list[str | None]:
    assert isinstance(ctx, CoreContext)
    expires_s = ctx.platform.evidence_settings.link_s
    return [await signed_link(ctx.platform.store, row, look, expires_s) for row in rows]
