"""``make bench``: measure on servers in memory and write ``docs/performance.md``."""

import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from types import FrameType

from tests.bench import (
    growth_series,
    layers_series,
    lifecycle_series,
    national_tree,
    peers_series,
    plugins_series,
    subscriptions_series,
    workers_series,
)
from tests.bench.choices import Choices
from tests.bench.cluster import Cluster, running_cluster
from tests.bench.load import require_wrk
from tests.bench.report import write_sections
from tests.bench.rounds import told

Measure = Callable[[Cluster, Choices], str]
# The data that a series needs, its title on the page, and how it is measured.
SERIES: dict[str, tuple[str, str, Measure]] = {
    "peers": ("base", peers_series.TITLE, peers_series.measure),
    "workers": ("base", workers_series.TITLE, workers_series.measure),
    "subscriptions": ("base", subscriptions_series.TITLE, subscriptions_series.measure),
    "layers": ("base", layers_series.TITLE, layers_series.measure),
    "growth": ("grown", growth_series.TITLE, growth_series.measure),
    "lifecycle": ("grown", lifecycle_series.TITLE, lifecycle_series.measure),
    "plugins": ("empty", plugins_series.TITLE, plugins_series.measure),
    "tree": ("empty", national_tree.TITLE, national_tree.measure),
}


def main() -> None:
    """Run the series that were asked for, those with the same data on one server."""
    choices = Choices.of(sys.argv[1:])
    require_wrk()
    signal.signal(signal.SIGTERM, _leave)
    began = time.monotonic()
    sections: dict[str, str] = {}
    for profile in ("base", "grown", "empty"):
        chosen = [name for name in choices.series if SERIES.get(name, ("",))[0] == profile]
        if not chosen:
            continue
        with ExitStack() as stack:
            wanted = choices.profile if profile == "base" else profile
            cluster = stack.enter_context(running_cluster(wanted))
            for name in chosen:
                _, title, measure = SERIES[name]
                told(f"{(time.monotonic() - began) / 60:.1f} minutes; {title}")
                sections[title] = measure(cluster, choices)
                print(f"\n## {title}\n\n{sections[title]}\n", flush=True)
    if choices.report:
        print(f"wrote {write_sections(sections, datetime.now(UTC).date())}")
    print(f"{(time.monotonic() - began) / 60:.1f} minutes", file=sys.stderr)


def _leave(_signal: int, _frame: FrameType | None) -> None:
    # SystemExit unwinds the context managers: servers are stopped and their data is removed.
    sys.exit(1)


if __name__ == "__main__":
    main()
