"""``jingwei plugin``: what is installed, and what each tenant has switched on.

The commands lie in the modules of this package: each that has an ``app`` adds its own.
"""

from importlib import import_module
from pkgutil import iter_modules

import typer

app = typer.Typer(
    no_args_is_help=True, help="插件 · Plugins: installed on this machine, enabled by tenant."
)

for _found in iter_modules(__path__):
    _module = import_module(f"{__name__}.{_found.name}")
    if hasattr(_module, "app"):
        app.add_typer(_module.app)
