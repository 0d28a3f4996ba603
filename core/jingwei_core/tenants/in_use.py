"""Enabled sets in use (在用的插件组合): what the tenants of a deployment have switched on."""

import json

from jingwei_core.database.engine import Database
from jingwei_core.database.lanes import NIL
from jingwei_core.database.reading import bound_trip
from jingwei_core.plugins.snapshot import ENABLED

_SETS = f"""(
SELECT coalesce(json_agg(s.enabled ORDER BY s.times DESC, s.enabled::text), '[]')
  FROM (SELECT e.enabled, count(*) AS times
          FROM platform.tenant t, LATERAL (
               SELECT coalesce(jsonb_agg(one.plugin_id ORDER BY one.plugin_id), '[]') AS enabled
                 FROM ({ENABLED}) one) e
         WHERE t.status = 'active'
         GROUP BY e.enabled ORDER BY times DESC, e.enabled::text LIMIT $2) s)"""


async def enabled_sets(database: Database, most: int) -> list[frozenset[str]]:
    """At most so many sets of plugins that active tenants have enabled, the most frequent first."""
    answer = await database.ask(NIL, bound_trip(_SETS), (most,))
    return [frozenset(names) for names in json.loads(answer or b"[]")]
