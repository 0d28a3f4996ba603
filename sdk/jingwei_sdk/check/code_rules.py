"""Rules of code (代码, JW-203 to 209): what it reaches for is declared; time comes from ``ctx``.

Found by syntax tree. That is a promise which users can read, not a sandbox: code that hides what
it does is not found.
"""

import ast
from collections.abc import Iterator, Mapping

from jingwei_sdk.check.found import Found, at
from jingwei_sdk.check.imports import calls, is_loader, runtime_imports
from jingwei_sdk.check.subject import MANIFEST_FILE, Source, Subject
from jingwei_sdk.manifest import Capability

_MODULES: Mapping[Capability, frozenset[str]] = {
    Capability.NETWORK: frozenset(
        {
            *("socket", "ssl", "socketserver", "http.client", "http.server", "urllib.request"),
            *("ftplib", "smtplib", "poplib", "imaplib", "xmlrpc", "httpx", "requests", "aiohttp"),
            *("urllib3", "websockets", "websocket", "grpc", "paramiko", "minio", "boto3", "redis"),
            *("asyncpg", "aiosmtplib", "niquests", "pycurl", "paho", "aiomqtt"),
        }
    ),
    Capability.FILES: frozenset({"shutil", "tempfile", "aiofiles", "anyio", "fileinput", "glob"}),
    Capability.PROCESSES: frozenset(
        {"subprocess", "multiprocessing", "pty", "ctypes", "cffi", "signal", "sh", "pexpect"}
    ),
}
_CALLS: Mapping[Capability, frozenset[str]] = {
    Capability.NETWORK: frozenset(
        {
            *("asyncio.open_connection", "asyncio.start_server"),
            *("asyncio.open_unix_connection", "asyncio.start_unix_server"),
        }
    ),
    Capability.FILES: frozenset(
        {
            *("open", "io.open", "os.open", "os.remove", "os.unlink", "os.rename", "os.replace"),
            *("os.mkdir", "os.makedirs", "os.rmdir", "os.listdir", "os.scandir", "os.walk"),
        }
    ),
    Capability.PROCESSES: frozenset(
        {
            *("os.system", "os.popen", "os.fork", "os.kill", "os.execv", "os.execvp", "os.execve"),
            *("os.spawnv", "os.posix_spawn", "os.startfile", "asyncio.create_subprocess_exec"),
            *("asyncio.create_subprocess_shell", "ProcessPoolExecutor"),
            "concurrent.futures.ProcessPoolExecutor",
        }
    ),
}
_PATH_METHODS = frozenset(
    {
        *("read_text", "read_bytes", "write_text", "write_bytes", "unlink", "mkdir", "rmdir"),
        *("touch", "iterdir", "rglob", "symlink_to", "hardlink_to"),
    }
)
_READING = frozenset({"read_text", "read_bytes", "iterdir", "rglob"})
_CLOCKS = frozenset(
    {
        *("datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time"),
        *("datetime.datetime.now", "datetime.datetime.utcnow", "datetime.date.today"),
    }
)
_FROM_TEXT = frozenset({"eval", "exec", "compile"})


def network(subject: Subject) -> Iterator[Found]:
    """Calls to other machines are declared."""
    return _undeclared(subject, Capability.NETWORK)


def files(subject: Subject) -> Iterator[Found]:
    """Files other than the package's own are declared."""
    return _undeclared(subject, Capability.FILES)


def processes(subject: Subject) -> Iterator[Found]:
    """Other programs and native code are declared."""
    return _undeclared(subject, Capability.PROCESSES)


def _undeclared(subject: Subject, capability: Capability) -> Iterator[Found]:
    if subject.manifest is None or capability in subject.manifest.capabilities:
        return
    for source in subject.code:
        for line, name in _uses(source, capability):
            yield at(source.path, line, name=name)


def needless_capability(subject: Subject) -> Iterator[Found]:
    """Nothing is claimed that the code does not use."""
    manifest = subject.manifest
    for capability in manifest.capabilities if manifest is not None else ():
        if not any(True for source in subject.code for _ in _uses(source, capability)):
            yield at(subject.path_of(MANIFEST_FILE), name=capability.value)


def _uses(source: Source, capability: Capability) -> Iterator[tuple[int, str]]:
    """Where a file reaches for something, and by which name."""
    for line, name in runtime_imports(source.tree):
        parts = name.split(".")
        if any(".".join(parts[:end]) in _MODULES[capability] for end in range(1, len(parts) + 1)):
            yield line, name
    own = _own_places(source.tree) if capability is Capability.FILES else frozenset[str]()
    for call, name in calls(source.tree):
        if name in _CALLS[capability]:
            yield call.lineno, name
        elif capability is Capability.FILES and _touches_files(call, own):
            yield call.lineno, f".{name.rpartition('.')[2]}"


def _touches_files(call: ast.Call, own: frozenset[str]) -> bool:
    function = call.func
    if not isinstance(function, ast.Attribute) or function.attr not in _PATH_METHODS:
        return False
    if function.attr not in _READING:
        return True
    words = {node.id for node in ast.walk(function.value) if isinstance(node, ast.Name)}
    return not words & (own | {"__file__", "files"})


def _own_places(tree: ast.Module) -> frozenset[str]:
    """Names of the module that stand for files of the package itself."""
    return frozenset(
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign) and "__file__" in ast.unparse(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    )


def code_from_text(subject: Subject) -> Iterator[Found]:
    """No code is made out of data."""
    for source in subject.code:
        for call, name in calls(source.tree):
            is_literal = bool(call.args) and isinstance(call.args[0], ast.Constant)
            if name in _FROM_TEXT or (is_loader(name) and not is_literal):
                yield at(source.path, call.lineno, name=name)


def time_of_the_tenant(subject: Subject) -> Iterator[Found]:
    """Time is asked of the context."""
    for source in subject.code:
        for call, name in calls(source.tree):
            if name in _CLOCKS:
                yield at(source.path, call.lineno, name=name)


RULES = {
    "JW-203": network,
    "JW-204": files,
    "JW-205": processes,
    "JW-207": code_from_text,
    "JW-208": time_of_the_tenant,
    "JW-209": needless_capability,
}
