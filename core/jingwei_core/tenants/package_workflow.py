"""Reading the workflows of a package (流程) with the platform's own reader, by file and field."""

from jingwei_core.events.workflow import WorkflowDefinition
from jingwei_core.events.workflow_reading import WorkflowInvalid, read_workflow
from jingwei_core.tenants.package_files import CODE, PackageFolder
from jingwei_core.tenants.package_model import TenantPackage
from jingwei_core.tenants.package_problems import Findings
from jingwei_core.workflows.fitting import find_misfits
from jingwei_core.workflows.surroundings import surroundings_in_package

FOLDER = "events/workflows"


def read_workflows(
    folder: PackageFolder, sources: frozenset[str]
) -> tuple[WorkflowDefinition, ...]:
    """All sound workflows of ``events/workflows/*.toml``; the file name is the code.

    What is wrong with one is noted, each flaw with its field.
    """
    workflows: list[WorkflowDefinition] = []
    for file in folder.names(FOLDER, ".toml"):
        document = folder.toml(file)
        if document is None:
            continue
        try:
            workflow = read_workflow(document.values)
        except WorkflowInvalid as error:
            for flaw in error.flaws:
                folder.findings.problem(flaw.code, file, None, flaw.field, **flaw.params)
            continue
        _check(workflow, file, sources, folder.findings)
        workflows.append(workflow)
    return tuple(workflows)


def check_workflows(package: TenantPackage, findings: Findings) -> None:
    """Note what each workflow of the package names in vain, and what nobody could do."""
    around = surroundings_in_package(package)
    for workflow in package.workflows:
        for flaw in find_misfits(workflow, around):
            file = f"{FOLDER}/{workflow.code}.toml"
            findings.problem(flaw.code, file, None, flaw.field, **flaw.params)


def _check(
    workflow: WorkflowDefinition, file: str, sources: frozenset[str], findings: Findings
) -> None:
    """What only a package asks of a workflow: its file's name, codes of the package's form, and a
    document that it comes from."""
    if file.rpartition("/")[2] != f"{workflow.code}.toml":
        findings.problem("PACKAGE_FILE_NAME", file, None, "code", value=workflow.code)
    if workflow.source not in sources:
        findings.problem("PACKAGE_UNKNOWN_SOURCE", file, None, "source", value=workflow.source)
    named = {
        "code": workflow.code,
        **{f"states.{state.code}.code": state.code for state in workflow.states},
        **{f"actions.{action.code}.code": action.code for action in workflow.actions},
    }
    for field, code in named.items():
        if not CODE.fullmatch(code):
            findings.problem("PACKAGE_CODE_FORM", file, None, field, value=code)
