"""The generated pages of ``docs/sdk``: each is made from declarations and can therefore not lie.

``python -m tests.policy.sdk_pages`` writes them anew; a test fails while one of them is older than
what it tells of.
"""

from collections.abc import Iterator
from pathlib import Path

from tests.policy.project import ROOT
from tests.policy.sdk_pages.check import check
from tests.policy.sdk_pages.comparison import comparison
from tests.policy.sdk_pages.errors import errors
from tests.policy.sdk_pages.hooks import hooks
from tests.policy.sdk_pages.manifest import contributions, manifest, schema_file
from tests.policy.sdk_pages.names import names
from tests.policy.sdk_pages.offers import permissions, settings

DOCS = ROOT / "docs" / "sdk"
_REFERENCE = {
    "manifest.md": manifest,
    "contributions.md": contributions,
    "hooks.md": hooks,
    "errors.md": errors,
    "permissions.md": permissions,
    "settings.md": settings,
    "python.md": names,
}


def pages() -> Iterator[tuple[Path, str]]:
    """Each generated file and what it has to say."""
    yield ROOT / "sdk" / "jingwei_sdk" / "plugin.schema.json", schema_file()
    yield DOCS / "comparison.md", comparison()
    for locale in ("zh", "en"):
        yield DOCS / locale / "check.md", check(locale)
        for name, made in _REFERENCE.items():
            yield DOCS / locale / "reference" / name, made(locale)
