"""A new plugin (新插件): a project that works, written from a few answers.

    written = write_project(Answers(id="road-lamp", …), Path("road-lamp"))

``jingwei-plugin new`` and ``jingwei plugin new`` ask for the answers.
"""

from jingwei_sdk.scaffold.answers import Answers, Contribution, with_needs
from jingwei_sdk.scaffold.writing import write_project

__all__ = ["Answers", "Contribution", "with_needs", "write_project"]
