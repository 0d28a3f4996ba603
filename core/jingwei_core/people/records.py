"""How residents are read: at their place, with numbers of documents and phones masked."""

from jingwei_core.people.tables import Person
from jingwei_sdk.figures import Rollup
from jingwei_sdk.records import AtPlace, One, Record

READ, WRITE = "person.read", "person.write"
REVEAL, REVEAL_CHILD = "person.reveal", "person.reveal-child"

PERSON = Record(
    Person,
    read=READ,
    scope=(AtPlace(),),
    plural="people",
    filters=(
        *("name", "place_id", "residence", "status", "sex", "birth_date", "moved_in_on"),
        *("left_on", "document_type", "number_note"),
    ),
    sort=("created_at", "name", "birth_date", "moved_in_on"),
    search="search_text",
    dimensions=("residence", "status", "sex", "place_id"),
    rollups=(Rollup(("residence", "status")),),
    hidden=frozenset({"search_text", "place_path", "number_digest"}),
    relations={"place": One("place_id", "Place")},
)

RECORDS = (PERSON,)
