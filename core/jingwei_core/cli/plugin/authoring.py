"""``jingwei plugin new|check|rules``: making a plugin, as ``jingwei-plugin`` of the SDK does."""

import typer

from jingwei_sdk import cli

app = typer.Typer()
app.command("new")(cli.new)
app.command("check")(cli.check)
app.command("rules")(cli.rules)
