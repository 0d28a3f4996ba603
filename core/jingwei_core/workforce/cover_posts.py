"""Cover (顶岗): the posts of the one who is away, copied to the substitute for the leave.

A copy is a post like any other, so that permissions, data scope and membership of departments begin
and end with it, wherever they are looked up. Copies follow: what happens to the leave or to the
post that was copied is brought over to them in the same transaction.
"""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from jingwei_core.access.tables import Post
from jingwei_core.workforce.states import LeaveState
from jingwei_core.workforce.tables import Leave
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Denied

_GIVING = (LeaveState.APPROVED, LeaveState.CLOSED)
_LEAVES_OF = """
SELECT id FROM core.leave
 WHERE account = $1 AND state = 'approved' AND ends_at > $2 ORDER BY begins_at, id
"""


async def follow_leave(ctx: Context, leave: Leave) -> None:
    """Bring the copies to what the leave says as it is stored now."""
    own = await ctx.data.find(Post, account=leave.account, covers=None)
    await _bring(ctx, leave, own)


async def follow_post(ctx: Context, post: Post) -> None:
    """Bring the copies of a post to what it says now, in every leave that is not over.

    Raises ``Denied`` (``OWN_ACCESS``) if the actor would change what it covers itself.
    """
    for row in await ctx.data.fetch(_LEAVES_OF, post.account, ctx.clock.now()):
        leave = await ctx.data.lock(Leave, row["id"])
        if leave.substitute == ctx.actor.account_id:
            raise Denied("OWN_ACCESS")
        await _bring(ctx, leave, [post])


async def _bring(ctx: Context, leave: Leave, posts: Iterable[Post]) -> None:
    copies = {copy.covered_post: copy for copy in await ctx.data.find(Post, covers=leave.id)}
    new = []
    for post in posts:
        copy, shared = copies.get(post.id), _shared(leave, post)
        if copy is None:
            new += [_copy(leave, post, shared)] if shared else []
            continue
        # An interval without an instant is never valid; the row stays in the records.
        begins, ends = shared or (copy.valid_from, copy.valid_from)
        if (copy.valid_from, copy.valid_to) != (begins, ends):
            changed = await ctx.data.update(copy, valid_from=begins, valid_to=ends)
            await _tell(ctx, [changed])
    await _tell(ctx, await ctx.data.insert_all(new))


async def _tell(ctx: Context, posts: Iterable[Post]) -> None:
    for post in posts:
        await ctx.signals.changed("Post", post.id, post.place_path)


def _shared(leave: Leave, post: Post) -> tuple[datetime, datetime] | None:
    """The interval in which the leave gives the post to the substitute, if there is one."""
    if str(leave.state) not in _GIVING:
        return None
    begins: datetime = max(leave.begins_at, post.valid_from)
    post_ends: datetime | None = post.valid_to
    ends: datetime = leave.ends_at if post_ends is None else min(leave.ends_at, post_ends)
    return (begins, ends) if begins < ends else None


def _copy(leave: Leave, post: Post, shared: tuple[datetime, datetime]) -> Post:
    values: dict[str, Any] = {
        name: getattr(post, name) for name in ("role", "place_id", "department")
    }
    begins, ends = shared
    return Post(
        account=leave.substitute,
        **values,
        is_primary=False,
        valid_from=begins,
        valid_to=ends,
        covers=leave.id,
        covered_post=post.id,
    )


async def own_post_at(ctx: Context, account: uuid.UUID, at: datetime) -> Any:
    """The account's primary post at an instant, without those it only covers: its place (id, path,
    level) and the code of its role; ``None`` when it holds none."""
    rows = await ctx.data.fetch(_PRIMARY, account, at)
    return rows[0] if rows else None


_PRIMARY = """
SELECT p.place_id, p.place_path, l.level, r.code AS role
  FROM core.post p
  JOIN core.role r ON r.tenant_id = p.tenant_id AND r.id = p.role
  JOIN core.place l ON l.tenant_id = p.tenant_id AND l.id = p.place_id
 WHERE p.account = $1 AND p.covers IS NULL
   AND p.valid_from <= $2 AND (p.valid_to IS NULL OR p.valid_to > $2)
 ORDER BY p.is_primary DESC, p.valid_from, p.id LIMIT 1
"""
