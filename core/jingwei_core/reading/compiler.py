"""The compiler (编译): a selection as one SQL statement that answers its JSON.

Data scope, guards and masks come from the record's declaration: nothing of a row can be compiled
without them.
"""

from jingwei_core.database.reading import FIRST_FREE, one_trip
from jingwei_core.reading import aggregates, relations, root_fields, row_fields
from jingwei_core.reading.compiled import NOTHING_KNOWN, Compiled, Little
from jingwei_core.reading.json_text import an_object, sql_of
from jingwei_core.reading.plan import Plan, root_members
from jingwei_core.reading.selection import Group
from jingwei_core.reading.sight import Parameters, Planned
from jingwei_core.registry import Registry
from jingwei_sdk.context import Permissions

NODE_MODULES = (aggregates, relations, root_fields, row_fields)
"""The modules that say how their node types are compiled."""


def compile_read(
    registry: Registry,
    root: Group,
    permissions: Permissions,
    secret: bytes,
    little: Little = NOTHING_KNOWN,
) -> Compiled:
    """The statement for ``root`` (its ``key`` is not used) and permissions of this shape.

    ``secret`` signs cursors. ``little`` tells of which records (out of ``Compiled.areas``) little
    is in sight; the lists of others walk the index of their order.
    Raises ``Invalid`` for what a record does not offer (``SORT_UNKNOWN``, ``SEARCH_UNKNOWN``,
    ``UNDER_UNKNOWN``).
    """
    plan = Plan(registry, Planned(permissions), secret, little, Parameters(first=FIRST_FREE))
    expression = sql_of(an_object(root_members(plan, root.fields, ())))
    sql, values = plan.parameters.of_use(one_trip(expression))
    return Compiled(
        sql=sql,
        values=values,
        worked=tuple(plan.worked),
        permissions=tuple(plan.viewer.names),
        records=frozenset(plan.records),
        areas=tuple(plan.areas),
        taken=plan.taken(values),
    )
