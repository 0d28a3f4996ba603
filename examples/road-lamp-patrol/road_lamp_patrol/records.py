"""How lamps and patrols are read."""

from jingwei_sdk.records import AtPlace, Many, Record, Through

from road_lamp_patrol.tables import RoadLamp, RoadLampPatrol

READ = "road-lamp.read"

LAMP = Record(
    RoadLamp,
    read=READ,
    scope=(AtPlace(),),
    filters=("code", "condition", "overdue_since", "place_id"),
    sort=("code", "patrolled_on"),
    dimensions=("condition", "place_id"),
    hidden=frozenset({"place_path"}),
    relations={"patrols": Many("RoadLampPatrol", "lamp")},
)
PATROL = Record(
    RoadLampPatrol,
    read=READ,
    scope=(Through("lamp", "RoadLamp"),),
    filters=("lamp", "condition"),
    sort=("patrolled_on",),
)
RECORDS = (LAMP, PATROL)
