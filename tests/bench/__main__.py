"""``make bench``: measure on a server in memory and write ``docs/performance.md``."""

import argparse
import asyncio
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from jingwei_core.database.embedded import EmbeddedServer
from jingwei_core.database.engine import Database, open_database
from jingwei_core.database.migrate import migrate
from jingwei_core.database.migration_apps import installed_apps
from jingwei_core.settings import Settings
from tests.bench.figures import Figure, page
from tests.bench.national_tree import measure_import, measure_look_ups

REPORT = Path(__file__).parents[2] / "docs" / "performance.md"


def main() -> None:
    """Run every benchmark."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--no-report", action="store_true", help="print only, write no page")
    chosen = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="jingwei-bench-", dir="/dev/shm"))
    folder.chmod(0o711)
    server = EmbeddedServer(folder / "postgres")
    try:
        url = server.start().url()
        settings = Settings(database_url=url, data_dir=folder, statement_timeout_s=120)
        figures = asyncio.run(_measure(settings))
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    for figure in figures:
        print(figure.line)
    if not chosen.no_report:
        REPORT.write_text(page(figures, datetime.now(UTC).date()), encoding="utf-8")
        print(f"wrote {REPORT}")


async def _measure(settings: Settings) -> list[Figure]:
    await migrate(settings, installed_apps())
    async with open_database(settings) as database:
        return await _national_tree(database)


async def _national_tree(database: Database) -> list[Figure]:
    tenant, figures = await measure_import(database)
    return [*figures, *await measure_look_ups(database, tenant)]


if __name__ == "__main__":
    main()
