"""All commands about residents."""

from jingwei_core.people import entering, moving, revealing

COMMANDS = (*entering.COMMANDS, *moving.COMMANDS, *revealing.COMMANDS)
