"""The longest files of tests: workers begin with them; whoever begins one last works alone."""

LONGEST = (
    "leak/test_reading.py",
    "faults/test_commands.py",
    "sdk/test_row_35_scaffolder.py",
    "leak/test_mutations.py",
    "oracle/test_can_fail.py",
    "oracle/test_leak_world.py",
    "sdk/test_row_34_test_kit.py",
    "oracle/test_every_record.py",
    "sdk/test_life_under_load.py",
    "sdk/check/test_rules.py",
    "api/test_workers.py",
    "crash/test_kill.py",
    "core/jobs/test_worker.py",
    "demo/test_start.py",
)
"""Longest first."""


def rank(nodeid: str) -> int:
    """When the file of a test is begun: the longest in their order, then all others."""
    path = nodeid.partition("::")[0].removeprefix("tests/")
    return LONGEST.index(path) if path in LONGEST else len(LONGEST)
