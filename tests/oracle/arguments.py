"""Arguments of fields: sensible ones most of the time, and now and then what must be refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    get_named_type,
    is_required_argument,
)

from tests.oracle.pages import Order, full_order
from tests.oracle.vocabulary import GENERAL, Name

if TYPE_CHECKING:
    from tests.oracle.operations import Writer

SIZES = (3, 1, 2, 5, 0, 20, 7, 100)
WRONG_SIZES = (-1, 101, 2**31 - 1)
SMALL_SIZES = (2, 1, 3, 0)
CURSOR_NAMES = {"first": "after", "last": "before"}
ANY_CURSORS = ("", "x", "W10", "...", "WyIxIl0.AAAA", "é", "\0")
ONE_IN = {"position": (111.25, 30.65), "edge": (111.22, 30.6)}


@dataclass(frozen=True)
class CursorOf:
    """The cursor of a row of somebody's list, to be asked of the system when it is run."""

    login: str
    record: str
    order: tuple[Mapping[str, Any], ...]
    position: int
    spoilt: bool = False

    def full_order(self, record: Any) -> Order:
        """The whole order that it is of."""
        return full_order(record, self.order)


@dataclass(frozen=True)
class Arguments:
    """Draws the arguments of one field of a type."""

    writer: "Writer"
    kind: Any
    name: str
    level: int

    def of(self, found: GraphQLField) -> dict[str, Any]:
        """Values by argument, cursors among them as :class:`CursorOf`."""
        target = get_named_type(found.type).name
        given: dict[str, Any] = {}
        if target.endswith("Connection"):
            record = target.removesuffix("Connection")
            if "orderBy" in found.args and self.writer.chance(40):
                given["orderBy"] = self._orders(found.args["orderBy"].type)
            given |= self._page(record, given.get("orderBy") or [])
        for name, argument in found.args.items():
            is_paging = name in ("orderBy", *CURSOR_NAMES, *CURSOR_NAMES.values())
            if name in given or (is_paging and target.endswith("Connection")):
                continue
            if is_required_argument(argument) or self.writer.chance(35):
                given[name] = self._value(name, argument.type, target)
        return given

    def _page(self, record: str, order: list[dict[str, Any]]) -> dict[str, Any]:
        writer = self.writer
        if self.level == 0 and writer.chance(25):
            return {}
        way = writer.some(["first", "last"])
        sizes = SMALL_SIZES if self.level else SIZES
        size = writer.some(WRONG_SIZES if writer.chance(3) else sizes)
        given: dict[str, Any] = {way: None if writer.chance(3) and not self.level else size}
        if writer.chance(40):
            given[CURSOR_NAMES[way]] = self._cursor(record, order)
        if writer.chance(2):
            given["before" if way == "first" else "after"] = self._cursor(record, order)
        return given

    def _cursor(self, record: str, order: list[dict[str, Any]]) -> Any:
        writer = self.writer
        if writer.chance(6):
            return writer.some([None, *ANY_CURSORS])
        if writer.chance(4):
            record, order = writer.some(sorted(writer.words.registry.records)), []
        login = writer.some(writer.words.logins)
        position, spoilt = writer.number(0, 40), writer.chance(3)
        return CursorOf(login, record, tuple(order), position, spoilt)

    def _orders(self, kind: Any) -> list[dict[str, Any]] | None:
        if self.writer.chance(4):
            nothing: list[list[dict[str, Any]] | None] = [None, []]
            return nothing[self.writer.number(0, 1)]
        named = get_named_type(kind)
        assert isinstance(named, GraphQLInputObjectType)
        fields = get_named_type(named.fields["field"].type)
        assert isinstance(fields, GraphQLEnumType)
        found = []
        for _ in range(self.writer.number(1, 2)):
            one: dict[str, Any] = {"field": Name(self.writer.some(sorted(fields.values)))}
            if self.writer.chance(70):
                direction = self.writer.some(["DESC", "ASC", None])
                one["direction"] = direction and Name(direction)
            found.append(one)
        return found

    def _value(self, name: str, kind: Any, target: str) -> Any:
        writer = self.writer
        if not isinstance(kind, GraphQLNonNull) and writer.chance(4):
            return None
        if name == "filter":
            return self._filter(target.removesuffix("Connection"), get_named_type(kind))
        if name == "search":
            return self._search(target.removesuffix("Connection"))
        if name == "under":
            return self._id("Place")
        if name == "orderBy":
            return self._orders(kind)
        if name == "by":
            members = sorted(get_named_type(kind).values)
            return [Name(writer.some(members)) for _ in range(writer.number(0, 3))]
        if name == "ids":
            records = sorted(writer.words.registry.records)
            return [self._id(writer.some(records)) for _ in range(writer.number(0, 6))]
        if name == "id":
            is_any = target not in writer.words.registry.records
            records = sorted(writer.words.registry.records)
            return self._id(writer.some(records) if is_any else target)
        return self._of_type(name, kind)

    def _of_type(self, name: str, kind: Any) -> Any:
        writer = self.writer
        if name in ("lon", "lat"):
            west, south = 111.19, 30.59
            inside = (west if name == "lon" else south) + writer.number(0, 60) / 1000
            return writer.some([inside, inside, inside, 0.0])
        if name == "crs":
            return writer.some(["EPSG:4490", "EPSG:4490", "EPSG:4326", "GCJ-02", ""])
        if name == "kindCode":
            return writer.some([f"k{number}" for number in range(4, 10)] + ["k0", "x", " k5 "])
        if isinstance(kind, GraphQLNonNull):
            return self._of_type(name, kind.of_type)
        if isinstance(kind, GraphQLList):
            return [self._of_type(name, kind.of_type) for _ in range(writer.number(0, 3))]
        if isinstance(kind, GraphQLEnumType):
            return Name(writer.some(sorted(kind.values)))
        return writer.some(GENERAL[kind.name])

    def _id(self, record: str) -> str:
        writer = self.writer
        if writer.chance(8):
            return str(writer.some(GENERAL["ID"]))
        if writer.chance(4):
            record = writer.some(sorted(writer.words.registry.records))
        known = writer.words.ids.get(record)
        return str(writer.some(known or GENERAL["ID"]))

    def _search(self, record: str) -> str:
        writer = self.writer
        column = writer.words.registry.record(record).search
        assert column is not None
        stored = writer.words.stored[record, column]
        if not stored or writer.chance(40):
            return str(writer.some(GENERAL["String"]))
        text = str(writer.some(stored))
        begin = writer.number(0, 4)
        return text[begin : begin + writer.number(1, 4)]

    def _filter(self, record: str, kind: Any) -> dict[str, Any]:
        assert isinstance(kind, GraphQLInputObjectType)
        given: dict[str, Any] = {}
        for _ in range(self.writer.number(0, 2)):
            field = self.writer.some(self.writer.narrowed(kind, sorted(kind.fields)))
            operators = get_named_type(kind.fields[field].type)
            if self.writer.chance(2):
                given[field] = None
            else:
                given[field] = self._operators(record, field, operators)
        return given

    def _operators(self, record: str, field: str, kind: Any) -> dict[str, Any]:
        assert isinstance(kind, GraphQLInputObjectType)
        given: dict[str, Any] = {}
        for _ in range(self.writer.number(1, 2) if self.writer.chance(97) else 0):
            operator = self.writer.some(self.writer.narrowed(kind, sorted(kind.fields)))
            if self.writer.chance(2):
                given[operator] = None
                continue
            of = get_named_type(kind.fields[operator].type)
            if operator == "in":
                size = self.writer.number(0, 4)
                given[operator] = [self._stored(record, field, of) for _ in range(size)]
            elif operator == "isNull":
                given[operator] = self.writer.chance(50)
            else:
                value = self._stored(record, field, of)
                cut = operator == "startsWith" and self.writer.chance(70)
                given[operator] = value[: self.writer.number(0, 3)] if cut else value
        return given

    def _stored(self, record: str, field: str, kind: Any) -> Any:
        """A value of the field's column, or any of its type."""
        stored = self.writer.words.of_field(record, field)
        if stored and self.writer.chance(80):
            return self.writer.some(stored)
        if isinstance(kind, GraphQLEnumType):
            return Name(self.writer.some(sorted(kind.values)))
        return self.writer.some(GENERAL[kind.name])
