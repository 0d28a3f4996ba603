"""Writing the project (生成项目) from templates, whole or not at all."""

from collections.abc import Iterator
from pathlib import Path

import black
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from jingwei_sdk.errors import Conflict
from jingwei_sdk.scaffold.answers import Answers, Contribution
from jingwei_sdk.versions import SDK_VERSION

_TEMPLATES = Path(__file__).with_name("templates")
_SUFFIX = ".jinja"
_LAYOUT = black.Mode(line_length=100)
# Files of a part that a plugin without it does not have; all others are always written.
_ONLY_WITH = {
    "package/tables.py": Contribution.RECORDS,
    "package/records.py": Contribution.RECORDS,
    "package/migrations/__init__.py": Contribution.RECORDS,
    "package/migrations/initial.py": Contribution.RECORDS,
    "package/commands.py": Contribution.COMMANDS,
    "package/messages.toml": Contribution.COMMANDS,
    "package/events.py": Contribution.EVENTS,
    "package/reactions.py": Contribution.HOOKS,
    "package/jobs.py": Contribution.JOBS,
    "package/settings.py": Contribution.SETTINGS,
    "package/fields.py": Contribution.FIELDS,
    "tests/test_records.py": Contribution.RECORDS,
    "tests/query_counts.json": Contribution.RECORDS,
}


def write_project(answers: Answers, folder: Path) -> list[Path]:
    """Write the project of a new plugin and answer its files.

    Raises ``Conflict`` (``SCAFFOLD_FOLDER``) unless the folder is empty or not there yet; nothing
    is written then.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Conflict("SCAFFOLD_FOLDER", folder=str(folder))
    written = []
    for target, text in dict(rendered(answers)).items():
        path = folder / target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def rendered(answers: Answers) -> Iterator[tuple[str, str]]:
    """Each file of the project by its path, with its text."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        # Nothing here is a page of the web.
        autoescape=select_autoescape(enabled_extensions=()),
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    major = int(SDK_VERSION.partition(".")[0])
    values = {
        "answers": answers,
        **answers.names,
        "sdk_range": f">={SDK_VERSION},<{major + 1}",
        "has": {part.value: part in answers.parts for part in Contribution},
    }
    for template in sorted(_TEMPLATES.rglob(f"*{_SUFFIX}")):
        name = template.relative_to(_TEMPLATES).as_posix()
        source = name.removesuffix(_SUFFIX)
        part = _ONLY_WITH.get(source)
        if part is None or part in answers.parts:
            text = environment.get_template(name).render(values)
            yield _target(source, answers), _formatted(source, text)


def _formatted(source: str, text: str) -> str:
    """As the formatter of the project leaves it: how long a line is depends on the names."""
    if not source.endswith(".py"):
        return text
    return black.format_str(text, mode=_LAYOUT)


def _target(source: str, answers: Answers) -> str:
    names = answers.names
    if source.startswith("package/"):
        source = source.replace("package", names["package"], 1)
    source = source.replace("migrations/initial", f"migrations/{names['schema']}_{_FIRST}")
    return {"gitignore": ".gitignore"}.get(source, source)


_FIRST = "2026_01_01t00_00_00_000000_initial"
