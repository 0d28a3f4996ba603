"""The core's texts, from the ``messages.toml`` of its rooms."""

from importlib.resources import files
from pathlib import Path

from jingwei_sdk.messages import Catalogue


def load_core_texts(catalogue: Catalogue) -> None:
    """Add the texts of every room of the core."""
    for path in sorted(Path(str(files("jingwei_core"))).rglob("messages.toml")):
        catalogue.load(path)
