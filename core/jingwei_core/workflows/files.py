"""Workflow files (流程文件) for the command line."""

import tomllib
from pathlib import Path

from jingwei_core.events.workflow import WorkflowDefinition
from jingwei_core.events.workflow_reading import read_workflow
from jingwei_sdk.errors import Invalid


def read_file(path: Path) -> WorkflowDefinition:
    """The workflow in a TOML file.

    Raises ``WorkflowInvalid`` with every flaw, ``Invalid`` (``WORKFLOW_FILE``) with the ``cause``
    for what cannot be read or is no TOML.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeError, tomllib.TOMLDecodeError) as error:
        raise Invalid("WORKFLOW_FILE", field="file", file=path.name, cause=str(error)) from error
    return read_workflow(document)
