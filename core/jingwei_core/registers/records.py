"""How the registers are read."""

from jingwei_core.registers.tables import Organisation
from jingwei_sdk.figures import Rollup
from jingwei_sdk.records import AtPlace, One, Record

ORGANISATION = Record(
    Organisation,
    read="organisation.read",
    scope=(AtPlace(),),
    filters=("name", "kind", "credit_code", "place_id"),
    sort=("created_at", "name", "credit_code"),
    search="search_text",
    dimensions=("kind", "place_id"),
    rollups=(Rollup(("kind",)),),
    hidden=frozenset({"search_text", "place_path"}),
    relations={"place": One("place_id", "Place")},
)

RECORDS = (ORGANISATION,)
