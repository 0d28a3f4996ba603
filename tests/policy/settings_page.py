"""The table of settings in ``docs/operations.md``, made from the settings classes."""

from pathlib import Path
from typing import Any

from pydantic_settings import BaseSettings

from jingwei_api.settings import ApiSettings
from jingwei_core.evidence.evidence_settings import EvidenceSettings
from jingwei_core.notifications.mail_settings import MailSettings
from jingwei_core.outbox.outbox_settings import OutboxSettings
from jingwei_core.settings import Settings

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
CLASSES: tuple[type[BaseSettings], ...] = (
    *(Settings, EvidenceSettings, OutboxSettings, MailSettings),
    ApiSettings,
)
BEGIN, END = "<!-- settings -->", "<!-- /settings -->"


def undescribed() -> list[str]:
    """Settings that do not say what they are for."""
    return [
        f"{kind.__name__}.{name}"
        for kind in CLASSES
        for name, field in kind.model_fields.items()
        if not field.description
    ]


def table() -> str:
    """The table, one row a variable."""
    rows = ["| variable | default | what it is |", "|---|---|---|"]
    for kind in CLASSES:
        prefix = str(kind.model_config["env_prefix"])
        for name, field in kind.model_fields.items():
            variable = f"{prefix}{name}".upper()
            rows.append(f"| `{variable}` | {_default(field)} | {field.description} |")
    return "\n".join(rows)


def written(page: str) -> str:
    """The page with the table in its place."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def _default(field: Any) -> str:
    if field.default_factory is not None:
        return "see there"
    value = field.get_default()
    if value is None or value in ("", ()):
        return "–"
    return f"`{value}`"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
