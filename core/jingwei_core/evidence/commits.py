"""The commit (提交证据): the last of the three steps, when an upload becomes evidence.

Three parts, and no database connection is held while bytes move: read what was announced; inspect
the upload, keep the original under lock and make the derived pictures; write down the facts. Each
part may be repeated: a commit that broke off anywhere is finished by calling it again.
"""

import tempfile
import uuid
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from jingwei_core.access.loading import Mind, of_no_concern
from jingwei_core.commands.staging import CoreStage, run_staged
from jingwei_core.evidence.commands import UPLOAD_PERMISSION
from jingwei_core.evidence.facts import (
    DERIVATIVE_SIDE,
    THUMBNAIL_SIDE,
    Expected,
    ImageFacts,
    Limits,
    Picture,
)
from jingwei_core.evidence.keys import Area, object_key
from jingwei_core.evidence.records import EVIDENCE
from jingwei_core.evidence.store import ObjectStore, lock_time, save_to
from jingwei_core.evidence.tables import Evidence
from jingwei_core.evidence.workers import ImageWorkers
from jingwei_core.session import Identity, Request
from jingwei_sdk.commands import Staged, command, declaration
from jingwei_sdk.context import Context, Tenant
from jingwei_sdk.errors import Conflict, Denied, NotFound

if TYPE_CHECKING:
    from jingwei_core.platform import Platform


@dataclass(frozen=True, slots=True)
class Announced:
    """What the uploader announced, read in a transaction that is over by now."""

    id: uuid.UUID
    staged_key: str
    expected: Expected


class Kept(msgspec.Struct, frozen=True):
    """What was measured, and where the pictures lie."""

    facts: ImageFacts
    store_key: str
    locked_until: datetime
    derivative_key: str
    thumbnail_key: str


async def _announced(ctx: Context, evidence_id: uuid.UUID) -> Announced | None:
    """What was announced; ``None`` when it is committed already."""
    row = await ctx.data.get(Evidence, evidence_id)
    if row.owner != ctx.actor.account_id:
        raise NotFound("ROW_NOT_FOUND", record="Evidence", id=str(evidence_id))
    if row.status == "committed":
        return None
    if row.expires_at <= ctx.now():
        raise Denied("EVIDENCE_EXPIRED")
    expected = Expected(row.content_type, row.size_bytes, row.sha256)
    return Announced(row.id, row.store_key, expected)


async def _keep(stage: CoreStage, announced: Announced) -> Kept:
    """Look at the upload, keep it under lock, and make the derived pictures."""
    expected = announced.expected
    with tempfile.TemporaryDirectory(prefix="evidence-") as name:
        source = Path(name) / "upload"
        await save_to(stage.platform.store, announced.staged_key, source, limit=expected.size)
        ready = await prepare_picture(stage, announced.id, expected, source)
        return await keep_prepared(stage.platform.store, ready)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A picture in a file that was inspected, with the derived ones beside it; none is stored yet.

    ``kept`` says where they will lie.
    """

    expected: Expected
    source: Path
    kept: Kept
    derived: tuple[tuple[str, Path, Picture], ...]


async def prepare_picture(
    stage: CoreStage, evidence_id: uuid.UUID, expected: Expected, source: Path
) -> Prepared:
    """Inspect a picture in a file, and make the derived ones in the file's folder: all that can
    refuse it comes before the lock, which nobody can take back.

    Raises ``Invalid`` as :func:`~jingwei_core.evidence.inspection.inspect_image` and
    :func:`~jingwei_core.evidence.derive.derive`.
    """
    settings = stage.platform.evidence_settings
    limits = Limits(max_bytes=settings.max_bytes)
    facts = await stage.workers.inspect(source, expected, limits, stage.tenant.timezone)
    key, view, small = kept_keys(stage.tenant.id, evidence_id)
    derived = []
    for to, side in ((view, DERIVATIVE_SIDE), (small, THUMBNAIL_SIDE)):
        target = source.with_name(f"of-{side}")
        made = await stage.workers.derive(source, facts.format, target, side)
        derived.append((to, target, made))
    until = lock_time(stage.now() + settings.retention)
    return Prepared(expected, source, Kept(facts, key, until, view, small), tuple(derived))


async def keep_prepared(store: ObjectStore, ready: Prepared) -> Kept:
    """Keep a picture under lock, with the derived ones; again, it answers the same."""
    kept = ready.kept
    until = await _keep_original(
        store, kept.store_key, ready.source, ready.expected, kept.locked_until
    )
    for to, target, made in ready.derived:
        await store.put(to, target, content_type=made.content_type, sha256=made.sha256)
    return msgspec.structs.replace(kept, locked_until=until)


async def _discard(stage: CoreStage, announced: Announced) -> None:
    """Remove what was uploaded; the garbage collection takes what stays behind here."""
    await stage.platform.store.delete(announced.staged_key)


async def _keep_original(
    store: ObjectStore, key: str, source: Path, expected: Expected, until: datetime
) -> datetime:
    """Store and lock the inspected bytes, unless an earlier attempt did; when the lock ends.

    What is stored is the file that was inspected: a client that posts its form once more meanwhile
    changes the staged object, not this one.
    """
    try:
        await store.put(key, source, content_type=expected.content_type, sha256=expected.sha256)
        await store.lock(key, until)
    except Conflict:
        found = await store.stat(key)
        if found.declared_sha256 != expected.sha256 or found.locked_until is None:
            raise
        return found.locked_until
    return until


@command(
    "evidence.commit",
    permission=UPLOAD_PERMISSION,
    on=EVIDENCE,
    staged=Staged(_announced, _keep, _discard),
)
async def record_commit(ctx: Context, target: Evidence, kept: Kept) -> Evidence:
    """提交证据: make an upload evidence; sent again, it answers the same."""
    if target.status == "committed":
        return target
    stored = await ctx.data.update(target, **committed(kept, ctx.now()))
    await ctx.signals.changed("Evidence", stored.id, None)
    return stored


def committed(kept: Kept, now: datetime) -> dict[str, Any]:
    """The columns of ``Evidence`` that a picture has once it is kept."""
    facts, place = kept.facts, kept.facts.position
    found: dict[str, Any] = {"taken_at": facts.taken_at} if facts.taken_at else {}
    if place is not None:
        accuracy = place.accuracy_m
        found |= {
            "lon_e7": round(place.lon * 1e7),
            "lat_e7": round(place.lat * 1e7),
            "position_crs": place.crs,
            "accuracy_m": None if accuracy is None else -int(-accuracy // 1),
        }
    return {
        **found,
        "status": "committed",
        "committed_at": now,
        "store_key": kept.store_key,
        "locked_until": kept.locked_until,
        "width": facts.width,
        "height": facts.height,
        "derivative_key": kept.derivative_key,
        "thumbnail_key": kept.thumbnail_key,
    }


def kept_keys(tenant_id: uuid.UUID, evidence_id: uuid.UUID) -> tuple[str, str, str]:
    """Where a commit keeps the original, the picture for viewing, and the small one."""
    view, small = (f"{evidence_id}.{ending}.jpg" for ending in ("view", "small"))
    return (
        object_key(tenant_id, Area.ORIGINAL, str(evidence_id)),
        object_key(tenant_id, Area.DERIVED, view),
        object_key(tenant_id, Area.DERIVED, small),
    )


class Commits:
    """Commits uploads of a platform; ``workers`` open the pictures."""

    def __init__(self, platform: "Platform", workers: ImageWorkers) -> None:
        self._platform = platform
        self._workers = workers

    def stage(self, tenant: Tenant, mind: Mind = of_no_concern) -> CoreStage:
        """Where the staged commands of a tenant do their work; see :class:`CoreStage`."""
        return CoreStage(self._platform, tenant, self._workers, mind)

    async def commit(
        self, tenant: Tenant, identity: Identity, evidence_id: uuid.UUID, request: Request
    ) -> uuid.UUID:
        """Make an upload evidence and answer its id; committing again answers the same.

        Raises ``NotFound``: ``ROW_NOT_FOUND`` (absent, or somebody else's), ``EVIDENCE_NOT_FOUND``
        (nothing was uploaded); ``Denied``: ``EVIDENCE_EXPIRED``, ``PERMISSION_DENIED``;
        ``Invalid`` as :func:`~jingwei_core.evidence.inspection.inspect_image`. Whatever is raised,
        the upload is no evidence.
        """
        command = declaration(record_commit)
        return await run_staged(self.stage(tenant), command, identity, evidence_id, request)


COMMANDS = (record_commit,)
