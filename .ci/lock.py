"""Keep uv.lock free of host names, and install from it with whatever index the machine uses.

uv writes the address of the index and of every file into its lock. Here both are replaced by names
of the reserved domain `.invalid`; versions, markers and SHA-256 digests stay. Nothing is lost by
that: an install exports `name==version --hash=…` from the lock and lets the client find the files,
and a new resolution takes the locked versions as its preferences.

    lock.py update            resolve again after a pyproject changed (keeps what is locked)
    lock.py check             exit 1 when pyprojects and lock disagree, or a host name crept in
    lock.py export FILE       write the hash-pinned requirements of everything that is not ours

`UV` names the uv to use (default: the one that the set-up put into this environment, else on PATH).
"""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "uv.lock"
INDEX = "https://index.invalid/simple"
FILES = "https://files.invalid/"

_REGISTRY = re.compile(r'(registry = )"https?://[^"]+"')
_FILE = re.compile(r'(url = )"https?://[^"]*/([^"/]+)"')
_ADDRESS = re.compile(r"https?://([^/\"\s]+)")


def without_hosts(text: str) -> str:
    """The lock with the index and every file address replaced by reserved names."""
    text = _REGISTRY.sub(rf'\1"{INDEX}"', text)
    return _FILE.sub(rf'\1"{FILES}\2"', text)


def hosts(text: str) -> set[str]:
    """The host names a lock still holds, other than the reserved ones."""
    return {host for host in _ADDRESS.findall(text) if not host.endswith(".invalid")}


def _program() -> str:
    own = Path(sys.prefix) / "tools" / "bin" / "uv"
    return os.environ.get("UV") or (str(own) if own.exists() else "uv")


def uv(*arguments: str, silent: bool = False) -> int:
    """Run uv in the project; its exit code."""
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    command = [_program(), *arguments]
    output = subprocess.DEVNULL if silent else None
    return subprocess.run(command, cwd=ROOT, env=environment, stderr=output, check=False).returncode


def update() -> int:
    """Resolve again and take the host names out."""
    code = uv("lock")
    if code == 0:
        LOCK.write_text(without_hosts(LOCK.read_text(encoding="utf-8")), encoding="utf-8")
    return code


def check() -> int:
    """0 when the lock satisfies the pyprojects and holds no host name; needs no network."""
    found = hosts(LOCK.read_text(encoding="utf-8"))
    if found:
        sys.stderr.write(f"uv.lock holds host names {sorted(found)}: run `make lock`\n")
        return 1
    # A lock that does not fit makes uv resolve, which fails offline with a misleading message.
    if uv("lock", "--check", "--offline", "--default-index", INDEX, silent=True) != 0:
        sys.stderr.write("uv.lock does not fit the pyproject files: run `make lock`\n")
        return 1
    return 0


def export(target: str) -> int:
    """Write the requirements of all packages and groups, each with its digests."""
    selection = ("--all-packages", "--all-groups", "--no-emit-workspace")
    return uv(
        *("export", "--frozen", "--quiet", "--no-header", "--no-annotate", *selection),
        *("--format", "requirements-txt", "--output-file", target),
    )


def main(arguments: list[str]) -> int:
    """Run the command named in the arguments; its exit code."""
    match arguments:
        case ["update"]:
            return update()
        case ["check"]:
            return check()
        case ["export", target]:
            return export(target)
        case _:
            sys.stderr.write(__doc__ or "")
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
