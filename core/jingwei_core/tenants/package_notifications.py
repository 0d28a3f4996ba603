"""Reading ``notifications.toml``, which may be absent."""

from jingwei_core.notifications.rules import Rules, read_rules
from jingwei_core.tenants.package_files import PackageFolder

FILE = "notifications.toml"


def read_notifications(folder: PackageFolder, known_sources: frozenset[str]) -> Rules | None:
    """How the tenant's people are told; ``None`` where the package leaves it to the defaults.

    Channels are not checked: which there are depends on the plugins that are on.
    """
    read = folder.rules(FILE, read_rules, "PACKAGE_NOTIFICATIONS")
    if read is None:
        return None
    document, rules = read
    if rules.source not in known_sources:
        document.refuse("PACKAGE_UNKNOWN_SOURCE", "source", value=rules.source)
    return rules
