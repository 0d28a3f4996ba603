"""Texts of plugins (插件消息): a plugin's catalogue must not take anybody else's away."""

from collections.abc import Iterable

from jingwei_core.plugins.discovery import Installed
from jingwei_sdk.errors import JingweiError
from jingwei_sdk.messages import Catalogue


def load_texts(catalogue: Catalogue, installed: Iterable[Installed]) -> dict[str, str]:
    """Add the ``messages.toml`` of each available plugin; why not, for each that does not fit."""
    refused = {}
    for found in installed:
        path = found.package_dir / "messages.toml" if found.package_dir else None
        if found.state != "available" or path is None or not path.exists():
            continue
        try:
            catalogue.load(path)
        except (JingweiError, ValueError, OSError, AttributeError) as error:
            refused[found.id] = f"messages.toml: {error}"
    return refused
