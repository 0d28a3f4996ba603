"""Texts of the SDK and the core, from the ``messages.toml`` of their rooms."""

from importlib.resources import files
from pathlib import Path

from jingwei_sdk.messages import Catalogue


def load_core_texts(catalogue: Catalogue) -> None:
    """Add the texts of the SDK and of every room of the core."""
    for package in ("jingwei_sdk", "jingwei_core"):
        for path in sorted(Path(str(files(package))).rglob("messages.toml")):
            catalogue.load(path)
