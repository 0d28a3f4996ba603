"""Reading ``notifications.toml``, which may be absent."""

from jingwei_core.notifications.rules import Rules, read_rules
from jingwei_core.tenants.package_files import PackageFolder
from jingwei_sdk.errors import Invalid

FILE = "notifications.toml"


def read_notifications(folder: PackageFolder, known_sources: frozenset[str]) -> Rules | None:
    """How the tenant's people are told; ``None`` where the package leaves it to the defaults.

    Channels are not checked: which there are depends on the plugins that are on.
    """
    document = folder.toml(FILE) if (folder.path / FILE).is_file() else None
    if document is None:
        return None
    try:
        rules = read_rules(document.values)
    except Invalid as error:
        document.refuse("PACKAGE_NOTIFICATIONS", error.field or "", reason=error.params["cause"])
        return None
    if rules.source not in known_sources:
        document.refuse("PACKAGE_UNKNOWN_SOURCE", "source", value=rules.source)
    return rules
