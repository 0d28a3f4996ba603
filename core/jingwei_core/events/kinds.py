"""Event kinds (事件类型): looking them up in the tenant's tree."""

from jingwei_core.events.configuration import Kind
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Invalid


async def reportable_kind(ctx: Context, code: str, *, by_plugin: bool = False) -> Kind:
    """The kind that an event may be of.

    Raises ``Invalid`` on the field ``kind``: ``EVENT_KIND_UNKNOWN`` (absent or switched off),
    ``EVENT_KIND_NOT_LEAF`` (大类 and 中类 only group), ``EVENT_KIND_OF_PLUGIN`` when people report
    a kind whose events only its plugin opens, together with the record they are about.
    """
    assert isinstance(ctx, CoreContext)
    configuration = await ctx.configuration.get()
    return checked_kind(configuration.kinds_by_code.get(code.strip()), code, by_plugin=by_plugin)


def checked_kind(kind: Kind | None, code: str, *, by_plugin: bool = False) -> Kind:
    """The kind that was found for ``code``; raises what :func:`reportable_kind` raises."""
    if kind is None or not kind.is_active:
        raise Invalid("EVENT_KIND_UNKNOWN", field="kind", kind=code)
    if not kind.workflow:
        raise Invalid("EVENT_KIND_NOT_LEAF", field="kind", kind=code)
    if kind.owner_plugin and not by_plugin:
        raise Invalid("EVENT_KIND_OF_PLUGIN", field="kind", kind=code, plugin=kind.owner_plugin)
    return kind
