"""``python -m tests.policy.sdk_pages``: write the pages whose declarations have changed."""

import sys

from tests.policy.project import ROOT
from tests.policy.sdk_pages import pages

for path, text in pages():
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"wrote {path.relative_to(ROOT)}\n")
