"""Rules of upkeep (维护, JW-605 to 609): docs, changelog and tests that keep a plugin usable."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator

from jingwei_sdk._called import computed_fields, functions_of, name_of
from jingwei_sdk.check.found import Found, at
from jingwei_sdk.check.subject import Subject
from jingwei_sdk.check.text_rules import raised_codes, setting_names
from jingwei_sdk.commands import declaration
from jingwei_sdk.messages import LOCALES
from jingwei_sdk.plugin import Plugin

README = "README.md"
CHANGELOG = "CHANGELOG.md"
BASELINES = "tests/query_counts.json"
_FAILURE = re.compile(r"^(?:FAILED|ERROR) (\S+?\.py)(?:::)?(.*)$", re.MULTILINE)
_WORD = re.compile(r"[A-Za-z_][\w-]*(?:\.[\w-]+)*")


def readme_present(subject: Subject) -> Iterator[Found]:
    """The first page says what the plugin is for."""
    subject.require_project()
    source = subject.file(README)
    if source is None or len(source.text.split()) < 20:
        yield at(README)


def changes_told(subject: Subject) -> Iterator[Found]:
    """The changelog has an entry of this version."""
    subject.require_project()
    manifest, source = subject.manifest, subject.file(CHANGELOG)
    if manifest is None:
        return
    if source is None or manifest.version not in source.text:
        yield at(CHANGELOG, version=manifest.version)


def docs_complete(subject: Subject) -> Iterator[Found]:
    """A page in each language names every permission, setting, error and command."""
    subject.require_project()
    for locale in LOCALES:
        path = f"docs/{locale}.md"
        page = subject.file(path)
        if page is None:
            yield at(path, name=path)
            continue
        yield from (at(path, name=name) for name in _documented(subject) if name not in page.text)


def _documented(subject: Subject) -> list[str]:
    manifest, plugin = subject.manifest, subject.plugin
    names = [permission.code for permission in manifest.permissions] if manifest else []
    names += setting_names(subject)
    names += [code for _, _, code, _ in raised_codes(subject)]
    if plugin is not None:
        names += [declaration(handler).name for handler in plugin.commands]
        names += [kind.code for kind in plugin.event_kinds]
        names += [job.name for job in plugin.jobs]
        names += [channel.code for channel in plugin.channels]
    return sorted(set(names))


def tests_present(subject: Subject) -> Iterator[Found]:
    """There is at least one test."""
    subject.require_project()
    if not any("def test_" in source.text for source in subject.tests):
        yield at("tests")


def tests_complete(subject: Subject) -> Iterator[Found]:
    """Tests name each function that the platform calls, or the name users know it by."""
    subject.require_project()
    if subject.plugin is None:
        return
    words = set(_WORD.findall("\n".join(source.text for source in subject.tests)))
    for names in _called(subject.plugin):
        if not words & set(names):
            yield at("tests", name=names[0])


def _called(plugin: Plugin) -> Iterator[tuple[str, ...]]:
    """Each thing that the platform calls, by the names a test may use for it."""
    known = set()
    for handler in plugin.commands:
        declared = declaration(handler)
        # What it does before, or when it is repeated, is tested by calling it.
        known |= {handler, declared.again, declared.staged and declared.staged.before}
        yield declared.name, declared.mutation
    for job in plugin.jobs:
        known.add(job.run)
        yield job.name, name_of(job.run)
    for name, field in computed_fields(plugin):
        known.add(field.resolve)
        column = name.partition(".")[2]
        yield column, _camel(column), name_of(field.resolve)
    for _, function in functions_of(plugin):
        hook = getattr(function, "__hook__", None)
        if function not in known:
            yield name_of(function), *([] if hook is None else [hook.name])


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def statements_counted(subject: Subject) -> Iterator[Found]:
    """How many statements reading costs is written down, so that a test sees when it grows."""
    subject.require_project()
    plugin = subject.plugin
    if plugin is None or not plugin.records:
        return
    source = subject.file(BASELINES)
    try:
        counts = {} if source is None else json.loads(source.text)
    except ValueError:
        counts = {}
    told = json.dumps(counts)
    for record in plugin.records:
        if record.name not in told and record.plural not in told:
            yield at(BASELINES, name=record.name)


def tests_pass(subject: Subject) -> Iterator[Found]:
    """The plugin's own tests pass: the kit's neighbour saw nothing, no list asks for more."""
    subject.require_project()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(  # noqa: S603 - the author's own tests, which they asked to run
        command, cwd=subject.folder, capture_output=True, text=True, check=False
    )
    failures = _FAILURE.findall(done.stdout)
    for file, cause in failures:
        yield at(file, cause=cause)
    if done.returncode and not failures:
        last = (done.stdout + done.stderr).strip().splitlines()[-1:]
        yield at("tests", cause=last[0] if last else f"exit code {done.returncode}")


RULES = {
    "JW-605": readme_present,
    "JW-606": changes_told,
    "JW-607": docs_complete,
    "JW-608": tests_present,
    "JW-609": tests_complete,
    "JW-610": statements_counted,
    "JW-611": tests_pass,
}
