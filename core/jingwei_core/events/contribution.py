"""What this room contributes to the core."""

from jingwei_core.events.commands import COMMANDS
from jingwei_core.events.records import RECORDS

__all__ = ["COMMANDS", "RECORDS"]
