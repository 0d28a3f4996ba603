"""What the package contributes: the entry point ``road-lamp-patrol``."""

from jingwei_sdk.plugin import Plugin

plugin = Plugin(id="road-lamp-patrol", package="road_lamp_patrol")
