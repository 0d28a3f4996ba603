"""Cursor paging: each way through a list meets the same rows, and says truly where it is."""

from typing import Any

import pytest

from tests.api.relay.conftest import Relay

SIZES = (1, 2, 3, 7)


def ids(page: dict[str, Any]) -> list[str]:
    return [edge["node"]["id"] for edge in page["edges"]]


def check_ends(page: dict[str, Any]) -> None:
    """startCursor and endCursor are those of the first and last edge."""
    cursors = [edge["cursor"] for edge in page["edges"]]
    info = page["pageInfo"]
    assert info["startCursor"] == (cursors[0] if cursors else None)
    assert info["endCursor"] == (cursors[-1] if cursors else None)


async def longest(relay: Relay, most: int = 6) -> list[str]:
    """The types with the most rows, of which paging proves most."""
    counts = []
    for kind in relay.lists:
        page = await relay.page(kind, "first: 100")
        counts.append((len(page["edges"]), kind))
    chosen = [kind for count, kind in sorted(counts, reverse=True) if count > 3]
    return chosen[:most]


async def test_forwards_meets_every_row_once(relay: Relay) -> None:
    for kind in relay.lists:
        full = ids(await relay.page(kind, "first: 100"))
        for size in SIZES if len(full) < 20 else SIZES[-1:]:
            met: list[str] = []
            arguments = f"first: {size}"
            while True:
                page = await relay.page(kind, arguments)
                check_ends(page)
                met += ids(page)
                assert page["pageInfo"]["hasNextPage"] is (len(met) < len(full))
                assert page["pageInfo"]["hasPreviousPage"] is (len(met) > len(ids(page)))
                if not page["pageInfo"]["hasNextPage"]:
                    break
                arguments = f'first: {size}, after: "{page["pageInfo"]["endCursor"]}"'
            assert met == full, (kind, size)


async def test_backwards_meets_every_row_once_in_the_order_of_the_list(relay: Relay) -> None:
    for kind in relay.lists:
        full = ids(await relay.page(kind, "first: 100"))
        for size in SIZES if len(full) < 20 else SIZES[-1:]:
            met: list[str] = []
            arguments = f"last: {size}"
            while True:
                page = await relay.page(kind, arguments)
                check_ends(page)
                met = ids(page) + met
                assert page["pageInfo"]["hasPreviousPage"] is (len(met) < len(full))
                assert page["pageInfo"]["hasNextPage"] is (len(met) > len(ids(page)))
                if not page["pageInfo"]["hasPreviousPage"]:
                    break
                arguments = f'last: {size}, before: "{page["pageInfo"]["startCursor"]}"'
            assert met == full, (kind, size)


async def test_a_cursor_is_the_same_whichever_page_gave_it(relay: Relay) -> None:
    for kind in await longest(relay):
        forwards = await relay.page(kind, "first: 100")
        backwards = await relay.page(kind, "last: 100")
        assert forwards["edges"] == backwards["edges"]


async def test_after_and_before_cut_where_they_say(relay: Relay) -> None:
    """EdgesToReturn of the specification: after leaves out its own edge, so does before."""
    for kind in await longest(relay):
        full = await relay.page(kind, "first: 100")
        known = ids(full)
        for at, edge in list(enumerate(full["edges"]))[:5]:
            cursor = edge["cursor"]
            assert (
                ids(await relay.page(kind, f'first: 2, after: "{cursor}"')) == known[at + 1 :][:2]
            )
            assert ids(await relay.page(kind, f'last: 2, before: "{cursor}"')) == known[:at][-2:]
            rest = await relay.page(kind, f'after: "{cursor}"')
            assert ids(rest) == known[at + 1 :][:20]


async def test_an_empty_page_is_no_error(relay: Relay) -> None:
    for kind in await longest(relay, 2):
        none = await relay.page(kind, "first: 0")
        assert none["edges"] == []
        check_ends(none)
        last = (await relay.page(kind, "last: 1"))["edges"][0]["cursor"]
        beyond = await relay.page(kind, f'first: 5, after: "{last}"')
        assert beyond["edges"] == []
        assert beyond["pageInfo"]["hasNextPage"] is False


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("first: -1", "PAGE_SIZE_INVALID"),
        ("last: -1", "PAGE_SIZE_INVALID"),
        ("first: 101", "PAGE_SIZE_INVALID"),
        ("first: 1, last: 1", "PAGE_BOTH_WAYS"),
        ('after: "x"', "CURSOR_INVALID"),
        ('before: "x"', "CURSOR_INVALID"),
    ],
)
async def test_sizes_and_cursors_that_make_no_page_are_refused(
    relay: Relay, arguments: str, code: str
) -> None:
    heard = await relay.caller.ask(f"{{ places({arguments}) {{ edges {{ cursor }} }} }}")
    assert heard.codes == [code]
    assert heard.body["data"] == {"places": None}


async def test_every_order_pages_as_the_default_does(relay: Relay) -> None:
    for order in ("CODE", "NAME"):
        for direction in ("ASC", "DESC"):
            by = f"orderBy: [{{field: {order}, direction: {direction}}}]"
            full = ids(await relay.page("Place", f"first: 100, {by}"))
            first = await relay.page("Place", f"first: 3, {by}")
            rest = await relay.page(
                "Place", f'first: 100, {by}, after: "{first["pageInfo"]["endCursor"]}"'
            )
            assert ids(first) + ids(rest) == full
            assert len(set(full)) == len(full)
