"""Reading ``public.toml`` of a package (公众上报规则), which may be absent."""

from jingwei_core.events.forms import check_form
from jingwei_core.events.workflow import WorkflowDefinition
from jingwei_core.events.workflow_guards import WithinGuard
from jingwei_core.public_reports.rules import OFF, Rules, read_rules
from jingwei_core.tenants.package_files import PackageFolder, Section
from jingwei_core.tenants.package_model import KindRow, TenantPackage
from jingwei_sdk.errors import Invalid

FILE = "public.toml"


def read_public(folder: PackageFolder, package: TenantPackage) -> Rules:
    """How the public reports; each kind, level, action and source that it names is checked.

    A kind has to do without a form, since residents fill none in; an action by which they reopen
    has to be guarded by ``within`` in the workflow of each of the kinds.
    """
    read = folder.rules(FILE, read_rules, "PACKAGE_PUBLIC")
    if read is None:
        return OFF
    document, rules = read
    if rules.source not in {source.code for source in package.sources}:
        document.refuse("PACKAGE_UNKNOWN_SOURCE", "source", value=rules.source)
    for at, level in enumerate(rules.levels, 1):
        if level not in {each.code for each in package.levels}:
            document.refuse("PACKAGE_UNKNOWN_LEVEL", f"levels[{at}]", value=level)
    kinds = {row.code: row for row in package.kinds}
    for at, code in enumerate(rules.kinds, 1):
        _check_kind(document, package, rules, (f"kinds[{at}]", kinds.get(code), code))
    if rules.enabled or rules.kind:
        _check_kind(document, package, rules, ("kind", kinds.get(rules.kind), rules.kind))
    return rules


def _check_kind(
    document: Section,
    package: TenantPackage,
    rules: Rules,
    named: tuple[str, KindRow | None, str],
) -> None:
    field, kind, code = named
    if kind is None or not kind.workflow:
        document.refuse("PACKAGE_UNKNOWN_KIND", field, value=code)
        return
    schema = next((form.schema for form in package.forms if form.code == kind.form), None)
    try:
        check_form(schema, {})
    except Invalid:
        document.refuse("PACKAGE_PUBLIC_FORM", field, value=code)
    workflow = next((each for each in package.workflows if each.code == kind.workflow), None)
    if rules.reopen and workflow is not None and not _is_reopened_by(workflow, rules.reopen):
        told = {"value": rules.reopen, "workflow": kind.workflow}
        document.refuse("PACKAGE_PUBLIC_REOPEN", "reopen", **told)


def _is_reopened_by(workflow: WorkflowDefinition, code: str) -> bool:
    """Whether the workflow has the action, for a time, from a state that ends it."""
    return any(
        action.code == code
        and any(isinstance(guard, WithinGuard) for guard in action.guards)
        and any(workflow.is_final(state) for state in action.from_)
        for action in workflow.actions
    )
