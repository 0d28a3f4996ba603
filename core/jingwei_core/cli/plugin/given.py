"""Settings as commands on plugins take them: plain ones as words, secrets unseen."""

from collections.abc import Iterable
from typing import Annotated, Any

import typer

from jingwei_core.plugins.overview import setting
from jingwei_core.plugins.tenant_settings import SettingsChange
from jingwei_sdk.settings import Secret

Given = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="A setting; others keep their value."),
]
Secrets = Annotated[
    list[str] | None,
    typer.Option("--secret", metavar="KEY", help="A secret setting; its value is asked for."),
]


def change_of(
    given: Iterable[str] | None, secrets: Iterable[str] | None, unset: Iterable[str]
) -> SettingsChange:
    """The change that ``--set``, ``--secret`` and ``--unset`` ask for; secrets are prompted for
    without an echo, or read line by line from a pipe."""
    settings: dict[str, Any] = {}
    for text in given or ():
        try:
            settings |= setting(text)
        except ValueError as error:
            raise typer.BadParameter("not KEY=VALUE", param_hint="--set") from error
    asked = {}
    for name in secrets or ():
        if "=" in name:
            # Whatever stands in the words of a command, every account of the machine can read.
            raise typer.BadParameter("the name only, never its value", param_hint="--secret")
        asked[name] = Secret(typer.prompt(name, hide_input=True, err=True))
    return SettingsChange(settings, asked, frozenset(unset))
