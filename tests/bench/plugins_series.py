"""Many plugins, many tenants: what fifty plugins cost where each tenant has some of them."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.choices import Choices
from tests.bench.cluster import Cluster
from tests.bench.made_packages import write_packages
from tests.bench.markdown import markdown
from tests.bench.rounds import told
from tests.servers.databases import environment

TITLE = "Plugins"
PLUGINS, TENANTS = 50, 300
MOST_START_S, MOST_MB, MOST_FIRST_MS, MOST_SEEN_MS, MOST_UNHEARD_US = 3, 100, 300, 2000, 5
_TOLD = """
{plugins} generated plugins with three tables, three records, a command, an extension of an event, a
job and a hook each; {tenants} tenants, each with every second of them by chance. One process, and
one without these plugins beside it. Times are CPU time of the process, but for the last three rows.
"""


def measure(cluster: Cluster, choices: Choices) -> str:
    """The section of the page."""
    without = run(cluster, 0, TENANTS)
    told("without plugins")
    many = run(cluster, PLUGINS, TENANTS)
    parts = [_TOLD.strip().format(plugins=PLUGINS, tenants=TENANTS)]
    return "\n\n".join([*parts, _targets(without, many), _costs(many)])


def run(cluster: Cluster, plugins: int, tenants: int) -> dict[str, float]:
    """The figures of a process with so many generated plugins."""
    with tempfile.TemporaryDirectory(prefix="jingwei-plugins-") as name:
        folder = Path(name)
        write_packages(folder, plugins)
        here = str(Path(__file__).parents[2])
        env = environment(
            cluster.settings,
            JINGWEI_LOG_LEVEL="ERROR",
            PYTHONPATH=":".join([name, here]),
        )
        for step in ("make", "measure"):
            command = [sys.executable, "-m", "tests.bench.plugins_process", step, str(tenants)]
            done = subprocess.run(command, check=False, capture_output=True, text=True, env=env)
            if done.returncode != 0:
                raise RuntimeError((done.stdout + done.stderr)[-3000:])
        figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return figures


def _targets(without: dict[str, float], many: dict[str, float]) -> str:
    start = many["start_s"] - without["start_s"] + many["warm_s"] - without["warm_s"]
    memory = many["end_mb"] - without["end_mb"]
    rows = (
        ("added to start-up, schemas included", start, MOST_START_S, "s"),
        ("added to memory", memory, MOST_MB, "MB"),
        ("first query after an enable, slowest", many["first_query_most_ms"], MOST_FIRST_MS, "ms"),
        ("enable → visible, slowest", many["seen_most_ms"], MOST_SEEN_MS, "ms"),
        ("a hook that nobody hears", many["unheard_us"], MOST_UNHEARD_US, "µs"),
    )
    told_rows = [
        (name, f"{value:.3g} {unit}", f"≤ {most} {unit}", "reached" if value <= most else "not yet")
        for name, value, most, unit in rows
    ]
    return markdown(("", "measured", "target", ""), told_rows)


def _costs(many: dict[str, float]) -> str:
    rows = [
        ("distinct sets", f"{many['sets']:.0f}"),
        ("plugins in a set", f"{many['plugins_a_set']:.0f}"),
        ("registry of a set", f"{many['compose_ms']:.1f} ms"),
        ("registries of all tenants", f"{many['compose_all_s']:.2f} s"),
        ("schema of a set", f"{many['schema_ms']:.0f} ms"),
        ("schema that is kept", f"{many['kept_schema_us']:.0f} µs"),
        ("schedules of all tenants, again", f"{many['schedule_next_s'] * 1000:.0f} ms"),
        (
            "who hears a hook: 0, 5, 50 plugins",
            " / ".join(f"{many[f'heard_{count}_us']:.2f}" for count in (0, 5, 50)) + " µs",
        ),
        (
            "a call that 0, 5, 50 plugins hear",
            " / ".join(f"{many[f'asked_{count}_us']:.0f}" for count in (0, 5, 50)) + " µs",
        ),
        ("enable → visible", f"{many['seen_ms']:.0f} ms"),
        ("first query after it", f"{many['first_query_ms']:.0f} ms"),
    ]
    return markdown(("", f"{PLUGINS} plugins, {TENANTS} tenants"), rows)
