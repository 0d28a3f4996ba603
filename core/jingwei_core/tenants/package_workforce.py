"""Reading ``workforce.toml`` and the demo rows of the workforce; any of the files may be absent."""

from jingwei_core.events.whom import Who, read_whom
from jingwei_core.tenants.package_files import PackageFolder, Record, Section
from jingwei_core.tenants.package_model import DemoCertificate, DemoSecondment, TenantPackage
from jingwei_core.workforce.rules import ANYBODY, NO_RULES, Approval, Rules, read_rules
from jingwei_sdk.errors import Invalid

FILE = "workforce.toml"
SECONDMENTS, CERTIFICATES = "demo/secondments.csv", "demo/certificates.csv"
SECONDMENT_COLUMNS = ("login", "department", "place", "weekdays", "valid_from", "valid_to")
CERTIFICATE_COLUMNS = ("login", "kind", "number", "issuer", "valid_from", "valid_to")
_ISO_DAYS = {str(day) for day in range(1, 8)}


def read_workforce(folder: PackageFolder, package: TenantPackage) -> Rules:
    """The rules of the workforce, each role, level and source that they name checked."""
    read = folder.rules(FILE, read_rules, "PACKAGE_WORKFORCE")
    if read is None:
        return NO_RULES
    document, rules = read
    document.check_codes("leave.kinds", (row.code for row in rules.leave.kinds))
    document.check_codes("certificates", (row.code for row in rules.certificates))
    document.check_codes("duties", (row.code for row in rules.duties))
    for number, approval in enumerate(rules.leave.approvals, 1):
        _check_approval(document, package, f"leave.approvals[{number}]", approval)
    if rules.source not in {source.code for source in package.sources}:
        document.refuse("PACKAGE_UNKNOWN_SOURCE", "source", value=rules.source)
    return rules


def read_secondments(folder: PackageFolder, package: TenantPackage) -> tuple[DemoSecondment, ...]:
    """The demo secondments; nobody is seconded where the file is not there."""
    rows = []
    for record in _table(folder, SECONDMENTS, SECONDMENT_COLUMNS):
        days = record.text("weekdays").split()
        if not days or not {*days} <= _ISO_DAYS or len({*days}) < len(days):
            record.refuse("PACKAGE_WEEKDAYS", "weekdays", value=" ".join(days))
            continue
        row = DemoSecondment(
            login=_login(record, package),
            department=record.text("department"),
            place=record.text("place"),
            weekdays=tuple(sorted(int(day) for day in days)),
            valid_from=record.day("valid_from"),
            valid_to=record.day_or_none("valid_to"),
        )
        if row.department not in {each.code for each in package.departments}:
            record.refuse("PACKAGE_UNKNOWN_DEPARTMENT", "department", value=row.department)
        if row.place not in {each.code for each in package.places}:
            record.refuse("PACKAGE_UNKNOWN_PLACE", "place", value=row.place)
        rows.append(row)
    return tuple(rows)


def read_certificates(folder: PackageFolder, package: TenantPackage) -> tuple[DemoCertificate, ...]:
    """The demo certificates, of kinds that the package knows."""
    rows: dict[tuple[str, str], DemoCertificate] = {}
    for record in _table(folder, CERTIFICATES, CERTIFICATE_COLUMNS):
        row = DemoCertificate(
            login=_login(record, package),
            kind=record.text("kind"),
            number=record.text("number"),
            issuer=record.text("issuer"),
            valid_from=record.day("valid_from"),
            valid_to=record.day_or_none("valid_to"),
        )
        if row.kind not in {each.code for each in package.workforce.certificates}:
            record.refuse("PACKAGE_UNKNOWN_CERTIFICATE", "kind", value=row.kind)
        if (row.kind, row.number) in rows:
            record.refuse("PACKAGE_DUPLICATE", "number", value=row.number)
        rows[row.kind, row.number] = row
    return tuple(rows.values())


def _table(folder: PackageFolder, file: str, columns: tuple[str, ...]) -> list[Record]:
    return folder.table(file, columns) if (folder.path / file).is_file() else []


def _login(record: Record, package: TenantPackage) -> str:
    login = record.text("login")
    if login not in {each.login for each in package.demo.accounts}:
        record.refuse("PACKAGE_UNKNOWN_LOGIN", "login", value=login)
    return login


def _check_approval(
    document: Section, package: TenantPackage, field: str, approval: Approval
) -> None:
    roles = {role.code for role in package.roles}
    levels = {level.code for level in package.levels}
    for role in sorted({*approval.roles} - roles - {ANYBODY}):
        document.refuse("PACKAGE_UNKNOWN_ROLE", f"{field}.roles", value=role)
    if approval.level and approval.level not in levels:
        document.refuse("PACKAGE_UNKNOWN_LEVEL", f"{field}.level", value=approval.level)
    for name, text in (("approver", approval.approver), *(("told", one) for one in approval.told)):
        _check_whom(document, package, f"{field}.{name}", text)


def _check_whom(document: Section, package: TenantPackage, field: str, text: str) -> None:
    """A ``role:…`` of the whom-grammar that names a role and a level of the package."""
    try:
        whom = read_whom(text)
    except Invalid:
        whom = None
    if whom is None or whom.who is not Who.ROLE:
        document.refuse("PACKAGE_APPROVER", field, value=text)
        return
    if whom.role not in {role.code for role in package.roles}:
        document.refuse("PACKAGE_UNKNOWN_ROLE", field, value=whom.role)
    if whom.level and whom.level not in {level.code for level in package.levels}:
        document.refuse("PACKAGE_UNKNOWN_LEVEL", field, value=whom.level)
