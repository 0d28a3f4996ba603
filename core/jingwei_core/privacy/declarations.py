"""Checking a package (登记检查) when it is registered: all it keeps of persons is declared."""

from jingwei_sdk.personal_fields import objections, tables_of
from jingwei_sdk.plugin import Plugin

__all__ = ["check_package", "tables_of"]


def check_package(plugin: Plugin) -> None:
    """Raise the first of :func:`jingwei_sdk.personal_fields.objections`, a ``Refused``."""
    for objection in objections(plugin):
        raise objection
