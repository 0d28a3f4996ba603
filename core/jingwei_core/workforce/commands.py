"""The commands of the workforce."""

from jingwei_core.workforce import leave_commands, staff_commands

COMMANDS = (*leave_commands.COMMANDS, *staff_commands.COMMANDS)
