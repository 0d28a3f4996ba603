"""Reading workflows (读取流程): one reader and one check for packages, plugins and stored ones."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from jingwei_core.events.workflow import WorkflowDefinition
from jingwei_core.events.workflow_checks import Flaw, find_flaws
from jingwei_core.rule_files import cause_and_field
from jingwei_sdk.errors import Invalid


class WorkflowInvalid(Invalid):
    """The definition is wrong: the code, field and parameters of the first of its ``flaws``."""

    def __init__(self, flaws: Sequence[Flaw]) -> None:
        self.flaws = tuple(flaws)
        first = self.flaws[0]
        params: dict[str, Any] = {**first.params}
        super().__init__(first.code, field=first.field, **params)


@lru_cache(maxsize=512)
def stored_workflow(text: bytes) -> WorkflowDefinition:
    """The checked workflow in JSON; raises what :func:`read_workflow` raises.

    Tenants mostly have the workflows of a package or a plugin in common: each is kept once.
    """
    return read_workflow(msgspec.json.decode(text))


def read_workflow(document: Mapping[str, Any]) -> WorkflowDefinition:
    """The checked workflow in a TOML or JSON document.

    Raises :class:`WorkflowInvalid` with every flaw: ``WORKFLOW_INVALID`` for a missing or unknown
    key or a value of a wrong form (with ``reason``), else what
    :func:`jingwei_core.events.workflow_checks.find_flaws` finds.
    """
    try:
        definition = msgspec.convert(dict(document), WorkflowDefinition)
    except msgspec.ValidationError as error:
        reason, field = cause_and_field(error)
        raise WorkflowInvalid([Flaw("WORKFLOW_INVALID", field, {"reason": reason})]) from error
    flaws = find_flaws(definition)
    if flaws:
        raise WorkflowInvalid(flaws)
    return definition
