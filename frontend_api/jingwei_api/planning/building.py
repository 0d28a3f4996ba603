"""Building (构造): what all planners of fields share while a selection is put together."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from graphql import GraphQLError

from jingwei_api.planning.collecting import Chosen
from jingwei_api.planning.inputs import ABSENT, Fixed, Input, fetcher, read
from jingwei_core.reading.selection import Asked, Nothing, Value
from jingwei_core.registry import Registry
from jingwei_sdk.errors import Invalid, JingweiError

T = TypeVar("T")
R = TypeVar("R", bound=Hashable)
Convert = Callable[[Any], Any]
Told = JingweiError | GraphQLError
ProbeKey = tuple[Chosen, str]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A field whose arguments were refused, and why."""

    chosen: Chosen
    error: Told


class FieldRefused(Exception):
    """A value of a request was refused; the field is answered with null and its neighbours are
    answered as they would be."""

    def __init__(self, chosen: Chosen, error: Told) -> None:
        super().__init__(chosen.path)
        self.refusal = Refusal(chosen, error)


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """What has to be found out about each request before its statement is known.

    ``run(asked, slot)`` answers what the statement depends on, and leaves what its parameters need
    in the variables under ``slot``; it may refuse the field.
    """

    chosen: Chosen
    slot: str
    run: Callable[[Asked, str], Hashable]


@dataclass(slots=True, eq=False)
class Building:
    """One selection that is being built for requests of one shape.

    ``variables`` are those of the request at hand: builders look at nothing in them that is no part
    of the shape. A first building, whose selection is thrown away, finds the probes; those after it
    have their ``results``.
    """

    registry: Registry
    secret: bytes
    variables: Mapping[str, Any]
    record: str = ""
    refused: frozenset[Chosen] = frozenset()
    probes: dict[ProbeKey, Probe] = field(default_factory=dict)
    results: Mapping[ProbeKey, Any] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    checked: list[Value] = field(default_factory=list)
    """The parameters that may be refused, whether or not the statement comes to need them."""
    is_audited: bool = False
    may_be_audited: bool = False
    needs_rules: bool = False

    def tried(self, chosen: Chosen, make: Callable[[], T]) -> T | Nothing:
        """What ``make`` makes of a field, or null with its refusal told."""
        if chosen in self.refused:
            return Nothing(chosen.key)
        try:
            return make()
        except (JingweiError, GraphQLError) as error:
            self.refusals.append(Refusal(chosen, error))
            return Nothing(chosen.key)

    def probe(
        self, chosen: Chosen, kind: str, run: Callable[[Asked, str], R], blank: R
    ) -> tuple[str, R]:
        """The slot and the result of a probe; ``blank`` stands for the result until it is known."""
        key = (chosen, kind)
        found = self.probes.get(key)
        if found is None:
            found = self.probes[key] = Probe(chosen, f"#{len(self.probes)}", run)
        result: R = self.results.get(key, blank)
        return found.slot, result

    def now(self, given: Input) -> Any:
        """The value of an argument in the request at hand; ``None`` when it was left out."""
        return told(given, self.variables)

    def value(self, chosen: Chosen, given: Input, convert: Convert | None = None) -> Any:
        """The value of an argument as a parameter; ``convert`` may refuse it."""
        if isinstance(given, Fixed):
            return given.value if convert is None else convert(given.value)
        return self.parameter(chosen, given, convert)

    def parameter(self, chosen: Chosen, given: Input, convert: Convert | None = None) -> Value:
        """Like :meth:`value`, worked out for each request even where the document fixes it."""
        value = Value(_taken(chosen, fetcher(given), convert))
        if convert is not None:
            self.checked.append(value)
        return value


def told(given: Input, variables: Mapping[str, Any]) -> Any:
    """The value of an argument of a query, where null and left out mean the same."""
    value = read(given, variables)
    return None if value is ABSENT else value


def _taken(
    chosen: Chosen, fetch: Callable[[Mapping[str, Any]], Any], convert: Convert | None
) -> Callable[[Asked], Any]:
    """The function of a :class:`Value` that takes a variable and converts it."""
    if convert is None:
        return lambda asked: fetch(asked.variables)

    def of(asked: Asked) -> Any:
        try:
            return convert(fetch(asked.variables))
        except (JingweiError, GraphQLError) as error:
            raise FieldRefused(chosen, error) from error

    return of


def storable(text: str) -> str:
    """The text; raises ``Invalid`` (``VALUE_UNSTORABLE``) for what no database text can hold."""
    if "\x00" in text:
        raise Invalid("VALUE_UNSTORABLE")
    return text
