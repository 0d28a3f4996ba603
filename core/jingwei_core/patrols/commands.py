"""The commands of patrols and visits."""

from jingwei_core.patrols import patrol_commands, plan_commands, visit_commands

COMMANDS = (*plan_commands.COMMANDS, *patrol_commands.COMMANDS, *visit_commands.COMMANDS)
