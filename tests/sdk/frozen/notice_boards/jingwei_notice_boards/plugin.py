"""The entry point ``notice-boards``."""

from jingwei_notice_boards import work
from jingwei_notice_boards.records import EXTENSIONS, RECORDS
from jingwei_notice_boards.tables import TABLES
from jingwei_sdk.plugin import EventKindDeclaration, Job, Plugin

plugin = Plugin(
    id=work.PLUGIN,
    package="jingwei_notice_boards",
    tables=TABLES,
    records=RECORDS,
    commands=(work.enter, work.visit),
    extensions=EXTENSIONS,
    jobs=(Job("notice-boards.count-unvisited", work.count_unvisited, schedule="0 6 * * *"),),
    event_kinds=(EventKindDeclaration(work.KIND, "宣传栏损坏", "A broken notice board"),),
    hooks=work.BoardHooks(),
    hears=frozenset({work.KIND}),
)
