"""Reading ``meetings.toml`` and ``ledgers.toml`` of a package (例会制度, 台账设置); both may be
left out."""

from collections.abc import Collection, Iterable

from jingwei_core.ledgers import rules as ledgers
from jingwei_core.meetings import rules as meetings
from jingwei_core.tenants.package_files import PackageFolder
from jingwei_core.tenants.package_model import RoleRow

MEETINGS, LEDGERS = "meetings.toml", "ledgers.toml"


def read_meetings(
    folder: PackageFolder, levels: Collection[str], roles: Iterable[RoleRow]
) -> meetings.Rules:
    """The series of meetings; what they name in vain is noted, as are roles that may not read
    them."""
    read = folder.rules(MEETINGS, meetings.read_rules, "MEETING_RULES_INVALID")
    if read is None:
        return meetings.NO_RULES
    document, rules = read
    known = {role.code for role in roles}
    for at, series in enumerate(rules.series, start=1):
        if series.level not in levels:
            document.refuse("PACKAGE_UNKNOWN_LEVEL", f"series[{at}].level", value=series.level)
        for role in series.roles():
            if role not in known:
                document.refuse("PACKAGE_UNKNOWN_ROLE", f"series[{at}].expected", value=role)
    return rules


def read_ledgers(folder: PackageFolder) -> ledgers.Rules:
    """The ledgers."""
    read = folder.rules(LEDGERS, ledgers.read_rules, "LEDGER_RULES_INVALID")
    return ledgers.NO_RULES if read is None else read[1]
