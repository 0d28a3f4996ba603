"""Positions and shapes are checked at the edge: system, order of axes, validity."""

import pytest

from jingwei_core.places.geometry import Position, checked_position, checked_shape, shape_covers
from jingwei_sdk.errors import Invalid

SQUARE = {
    "type": "Polygon",
    "coordinates": [
        [[111.3, 30.7], [111.31, 30.7], [111.31, 30.71], [111.3, 30.71], [111.3, 30.7]]
    ],
}


@pytest.mark.parametrize("crs", ["EPSG:4490", "EPSG:4326"])
def test_a_labelled_position_is_kept_to_a_centimetre(crs: str) -> None:
    found = checked_position(111.30512345, 30.7051234, crs)
    assert found == Position(1_113_051_234, 307_051_234) or found.lon_e7 == 1_113_051_235
    assert abs(found.lon - 111.30512345) <= 0.5e-7


@pytest.mark.parametrize(
    ("lon", "lat", "crs", "code"),
    [
        (111.3, 30.7, None, "CRS_MISSING"),
        (111.3, 30.7, "", "CRS_MISSING"),
        (111.3, 30.7, "GCJ-02", "CRS_UNSUPPORTED"),
        (111.3, 30.7, "EPSG:3857", "CRS_UNSUPPORTED"),
        (30.7, 111.3, "EPSG:4490", "POSITION_OUTSIDE"),
        (0.0, 0.0, "EPSG:4490", "POSITION_OUTSIDE"),
        (float("nan"), 30.7, "EPSG:4490", "POSITION_OUTSIDE"),
    ],
)
def test_what_cannot_be_a_position_here_is_refused(
    lon: float, lat: float, crs: str | None, code: str
) -> None:
    with pytest.raises(Invalid) as refused:
        checked_position(lon, lat, crs)
    assert refused.value.code == code


def test_a_shape_has_its_box_and_its_edge() -> None:
    shape = checked_shape(SQUARE)
    assert (shape.min_lon_e7, shape.max_lat_e7) == (1_113_000_000, 307_100_000)
    assert shape_covers(SQUARE, Position(1_113_050_000, 307_050_000))
    assert shape_covers(SQUARE, Position(1_113_000_000, 307_000_000))
    assert not shape_covers(SQUARE, Position(1_113_100_001, 307_050_000))


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "Point", "coordinates": [111.3, 30.7]},
        {"type": "Polygon", "coordinates": []},
        {"type": "Nonsense"},
        {
            "type": "Polygon",
            "coordinates": [
                [[111.3, 30.7], [111.31, 30.71], [111.31, 30.7], [111.3, 30.71], [111.3, 30.7]]
            ],
        },
    ],
)
def test_what_is_no_area_is_refused(geometry: dict[str, object]) -> None:
    with pytest.raises(Invalid) as refused:
        checked_shape(geometry)
    assert refused.value.code == "SHAPE_INVALID"
