"""Ways into sight (可见途径): the rows that an actor may see, found one scope after another.

A condition over several scopes is an OR, of which a generic plan cannot know that it holds for few
rows. Each way by itself is a look into one index.
"""

from dataclasses import dataclass

from jingwei_core.reading.columns import sql_name
from jingwei_core.reading.plan import Plan
from jingwei_core.reading.selection import Asked
from jingwei_core.reading.sight import beyond
from jingwei_sdk.records import AtPlace, OfDepartment, OwnedBy, Record


@dataclass(frozen=True, slots=True)
class Way:
    """The rows that one scope opens by their ``column``: ``starts`` is a table of what it has to
    be compared with."""

    starts: str
    record: Record
    column: str
    _test: str

    def test(self, alias: str) -> str:
        """The condition on a row of ``alias``, beside ``starts``."""
        return self.test_of(f"{alias}.{sql_name(self.record, self.column)}")

    def test_of(self, sql: str) -> str:
        """The same on an expression with the column's value."""
        return self._test.format(sql)


def ways(plan: Plan, record: Record) -> list[Way]:
    """The ways by places, ownership and departments."""
    found = []
    for scope in record.scope:
        if isinstance(scope, AtPlace):
            starts, test = area_of(plan, record), "{0} >= way.low AND {0} < way.high"
        elif isinstance(scope, OwnedBy) and scope.covered:
            desks = plan.once(("desks",), lambda asked: list(asked.actor.desks), "uuid[]")
            starts, test = f"unnest({desks}) AS way(one)", "{0} = way.one"
        elif isinstance(scope, OwnedBy):
            account = plan.once(("owner",), lambda asked: asked.actor.account_id, "uuid")
            starts, test = f"(SELECT {account} AS one) way", "{0} = way.one"
        elif isinstance(scope, OfDepartment):
            members = plan.once(
                ("departments",), lambda asked: list(asked.actor.department_ids), "uuid[]"
            )
            starts, test = f"unnest({members}) AS way(one)", "{0} = way.one"
        else:
            continue
        found.append(Way(starts, record, scope.column, test))
    return found


def area_of(plan: Plan, record: Record) -> str:
    """The subtrees in which the record may be read, as a table ``way(low, high)``."""

    def low(asked: Asked) -> list[str]:
        return list(asked.permissions.paths(record.read))

    def high(asked: Asked) -> list[str]:
        return [beyond(path) for path in low(asked)]

    ends = [
        plan.once(("area", record.name, end), of, "text[]")
        for end, of in (("low", low), ("high", high))
    ]
    return f"unnest({', '.join(ends)}) AS way(low, high)"
