"""Questions about places (区划提问): what lies here."""

from typing import Annotated

import msgspec

from jingwei_core.places.geometry import checked_position
from jingwei_core.places.locate import deepest_place
from jingwei_core.places.records import PLACE
from jingwei_sdk.narrowing import Asker, Narrowed, Written
from jingwei_sdk.questions import Question


class PositionQuestion(msgspec.Struct, frozen=True):
    """A position in a coordinate system that is named."""

    lon: Annotated[float, msgspec.Meta(description="Longitude, degree.")]
    lat: Annotated[float, msgspec.Meta(description="Latitude, degree.")]
    crs: Annotated[
        str,
        msgspec.Meta(description="Coordinate system of the position: EPSG:4490 or EPSG:4326."),
    ]


_DEEPEST = deepest_place(lambda name: f"{{{name}}}", "lon", "lat", "day")


def place_at(asker: Asker, given: PositionQuestion) -> Narrowed:
    """The deepest place whose polygon holds a position today; raises ``Invalid`` for a position
    outside or without a known coordinate system."""
    at = checked_position(given.lon, given.lat, given.crs)
    today = asker.now.astimezone(asker.tenant.timezone).date()
    values = {"lon": at.lon_e7, "lat": at.lat_e7, "day": today}
    return Narrowed((Written(f"{{row}}.id = ({_DEEPEST})", values),))


QUESTIONS = (
    Question(
        "place_at",
        PLACE,
        narrow=place_at,
        input=PositionQuestion,
        signed_in=True,
        cost=5,
        description="The deepest place whose polygon holds a position; null outside my sight.",
    ),
)
