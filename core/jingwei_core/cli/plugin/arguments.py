"""The arguments that commands on plugins share."""

from typing import Annotated

import typer

Slug = Annotated[str, typer.Argument(metavar="TENANT", help="The tenant's slug.")]
PluginId = Annotated[str, typer.Argument(metavar="ID", help="For example safety-production.")]
