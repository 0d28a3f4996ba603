"""``jingwei plugin verify``: whether installed plugins are what somebody we believe gave away."""

import typer

from jingwei_sdk import cli

app = typer.Typer()
app.command("verify")(cli.verify)
