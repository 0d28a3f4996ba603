"""What a run measures: the options of ``make bench``."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.rounds import Pace

WORKLOADS = ("list", "detail", "dashboard", "create")
CONTENDERS = (
    *("jingwei", "postgraphile", "strawberry", "strawberry-cached", "bare", "bare-same"),
    *("pgbench", "pgbench-kept", "pgbench-same", "pgbench-4"),
)
QUICK_CONTENDERS = ("jingwei", "postgraphile", "pgbench")
SERIES = (
    *("peers", "growth", "lifecycle", "workers", "layers", "subscriptions", "plugins", "tree"),
)


@dataclass(frozen=True, slots=True)
class Choices:
    """What was asked for."""

    workloads: tuple[str, ...]
    contenders: tuple[str, ...]
    series: tuple[str, ...]
    profile: str
    pace: Pace
    report: bool

    @classmethod
    def of(cls, arguments: Sequence[str]) -> "Choices":
        """Read a command line; exits with a usage text when it makes no sense."""
        given = _parser().parse_args(arguments)
        # All series together are to stay below a quarter of an hour on two cores.
        pace = Pace(2, 2) if given.quick else Pace(5, 2)
        return cls(
            workloads=given.only,
            contenders=given.contenders or (QUICK_CONTENDERS if given.quick else CONTENDERS),
            series=given.series or (("peers",) if given.quick else SERIES),
            profile=given.profile,
            pace=Pace(given.rounds or pace.rounds, given.seconds or pace.seconds),
            report=not (given.quick or given.no_report),
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make bench",
        description="Measure, print, and write docs/performance.md. With make, options go into"
        " BENCH_ARGS: make bench BENCH_ARGS='--quick --only list'",
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="two short rounds, few contenders, no page")
    add("--only", type=_among(WORKLOADS), default=WORKLOADS, help=f"workloads of {WORKLOADS}")
    add("--contenders", type=_among(CONTENDERS), help=f"of {CONTENDERS}")
    add("--series", type=_among(SERIES), help=f"of {SERIES}")
    add("--profile", choices=("tiny", "base"), default="base", help="how much data")
    add("--rounds", type=int, help="of the series peers")
    add("--seconds", type=float, help="of each stretch of load")
    add("--no-report", action="store_true", help="print only, write no page")
    return parser


class _among:  # noqa: N801 - reads as a function, and argparse names it in its errors
    def __init__(self, known: Sequence[str]) -> None:
        self._known = known

    def __call__(self, text: str) -> tuple[str, ...]:
        names = tuple(name.strip() for name in text.split(",") if name.strip())
        if not names or set(names) - set(self._known):
            raise argparse.ArgumentTypeError(f"{text!r}: choose from {', '.join(self._known)}")
        return names
