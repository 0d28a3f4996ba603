"""Workflows as data (流程定义): files in the format of a tenant's own, shipped by a plugin."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class WorkflowFile:
    """A workflow (states, actions, roles, deadlines) that events of the plugin's kinds may follow.

    ``path`` is relative to the package. It is put into a tenant when the plugin is switched on; a
    version that the tenant has made itself stays the current one.
    """

    path: Path


@dataclass(frozen=True, slots=True)
class DeadlineFile:
    """Deadline profiles (时限) in the format of a tenant's own; ``path`` as for workflows."""

    path: Path
