"""Texts of plugins (插件消息): a plugin's catalogue must not take anybody else's away."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from jingwei_core.plugins.discovery import Installed
from jingwei_sdk.errors import JingweiError
from jingwei_sdk.messages import Catalogue


def load_texts(catalogue: Catalogue, installed: Iterable[Installed]) -> dict[str, str]:
    """Add the ``messages.toml`` of each available plugin; why not, for each that does not fit."""
    refused = {}
    for found in installed:
        path = _texts_of(found)
        if found.state != "available" or path is None:
            continue
        try:
            catalogue.load(path)
        except (JingweiError, ValueError, OSError, AttributeError) as error:
            refused[found.id] = f"messages.toml: {error}"
    return refused


def codes_of(found: Installed) -> list[str]:
    """The codes of the plugin's texts, none for a file that cannot be read."""
    path, catalogue = _texts_of(found), Catalogue()
    if path is not None:
        with suppress(JingweiError, ValueError, OSError, AttributeError):
            catalogue.load(path)
    return sorted(catalogue.codes())


def _texts_of(found: Installed) -> Path | None:
    path = found.package_dir / "messages.toml" if found.package_dir else None
    return path if path is not None and path.exists() else None
