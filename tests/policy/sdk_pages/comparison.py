"""``docs/sdk/comparison.md``: the 40 features, who has them, and the test that proves ours."""

import tomllib
from typing import Any

from tests.policy.project import ROOT
from tests.policy.sdk_pages.layout import page, table

ROWS = ROOT / "docs" / "sdk" / "rows.toml"
_PEER = {"y": "✓", "p": "(✓)", "n": "✗", "-": "–", "y/n": "✓/✗"}


def rows() -> dict[str, Any]:
    """``docs/sdk/rows.toml``."""
    return tomllib.loads(ROWS.read_text(encoding="utf-8"))


def comparison() -> str:
    """The page, in both languages at once."""
    data = rows()
    heads = ["#", "", *data["products"], "Jingwei", "test"]
    lines = [
        [
            str(row["number"]),
            f"{row['zh']} · {row['en']}",
            *(_PEER[peer] for peer in row["peers"]),
            row["ours"],
            _proofs(row),
        ]
        for row in data["rows"]
    ]
    more = [[f"{row['zh']} · {row['en']}", row["ours"], _proofs(row)] for row in data["more"]]
    proven = sum(1 for row in data["rows"] if row["test"])
    return page(
        "en",
        "插件 SDK 对照 · Plugin SDKs compared",
        "✓ 有 yes, (✓) 部分 partly, ✗ 未见 not found in what was read, – 不适用 not applicable.",
        f"{proven} 项有验收测试 · of {len(lines)} features {proven} are proven by the test named.",
        table(heads, lines),
        "## 四十项之外 · Besides the forty",
        table(["", "Jingwei", "test"], more),
    )


def _proofs(row: dict[str, Any]) -> str:
    """Links to the tests of a row; ``FileNotFoundError`` for one that is not there."""
    tests = [test for test in (row["test"], *row.get("also", ())) if test]
    for test in tests:
        (ROOT / test).stat()
    return ", ".join(f"[{test.rpartition('/')[2]}](../../{test})" for test in tests)
