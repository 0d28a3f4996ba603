"""The embedded server (内置数据库): PostgreSQL in a folder, for one machine without one of its own.

It outlives the process that started it; who comes later joins it. Nobody but the account it runs as
(and root) reaches its socket, and every role needs a password. Permissions of directories that are
not ours are never changed.
"""

import fcntl
import json
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlencode

from jingwei_core.database.server_account import Account, choose_account
from jingwei_core.database.server_binaries import (
    MAJOR,
    Binaries,
    copy_binaries,
    find_binaries,
)
from jingwei_core.database.server_process import (
    Answer,
    ask,
    drop_false_lock,
    give_way,
    is_alive,
    is_memory_backed,
    left_over,
    postmaster,
    stop_process,
)
from jingwei_sdk.errors import Unavailable

ADMIN_ROLE = "jingwei_admin"
_PORT = 5432
_SOCKET = f".s.PGSQL.{_PORT}"
# sun_path holds 108 bytes on Linux and 104 on macOS, one of them the closing zero.
_SOCKET_PATH_LIMIT = 103
_START_TIMEOUT_S = 120.0
_STOP_TIMEOUT_S = 30.0
_POLL_S = 0.02
# The server must not inherit our terminal, our process group or our standard output.
_DETACH = '"$@" </dev/null >&2 & echo $!'


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """How to reach a running embedded server."""

    sockets: Path
    password: str = field(repr=False)

    def url(self, database: str = "postgres", role: str = ADMIN_ROLE, password: str = "") -> str:
        """A connection URL; without ``password``, the administrator's."""
        user = f"{quote(role)}:{quote(password or self.password)}"
        place = urlencode({"host": str(self.sockets), "port": _PORT})
        return f"postgresql://{user}@/{quote(database)}?{place}"


class EmbeddedServer:
    """One PostgreSQL in ``folder``; ``account`` is whom root runs it as (default: see ``Account``),
    ``connections`` how many it takes at once if it is started here.

    All methods block; call them from a thread when an event loop runs.
    """

    def __init__(self, folder: Path, *, account: str | None = None, connections: int = 200) -> None:
        self.folder = folder.absolute()
        self._connections = connections
        self._wanted_account = account

    @property
    def cluster(self) -> Path:
        """PostgreSQL's data directory, named by its major version."""
        return self.folder / str(MAJOR)

    def address(self) -> ServerAddress | None:
        """Where the server answers, or ``None`` if it does not run."""
        known = self._known()
        if known is None or ask(known.sockets / _SOCKET) is not Answer.READY:
            return None
        return known

    def start(self) -> ServerAddress:
        """Join the running server, or start it, making the data directory at first use.

        Raises ``Unavailable``: ``SERVER_FOLDER_CLOSED`` (the account cannot pass a parent
        directory), ``SERVER_FOLDER_FOREIGN``, ``SERVER_FOLDER_UNUSABLE``, ``SERVER_START_FAILED``,
        ``SERVER_ACCOUNT_UNKNOWN``, ``SERVER_BINARIES_MISSING``.
        """
        running = self.address()
        if running is not None:
            return running
        account = choose_account(self._wanted_account, self.cluster)
        with self._alone(account):
            return self.address() or self._start(account)

    def stop(self) -> bool:
        """End all sessions and stop the server; ``False`` if none was running."""
        if not self.cluster.is_dir():
            return False
        with self._alone(choose_account(self._wanted_account, self.cluster)):
            pid = postmaster(self.cluster)
            if pid is None:
                return False
            if not stop_process(pid, timeout_s=_STOP_TIMEOUT_S):
                raise Unavailable("SERVER_STOP_FAILED", pid=pid)
            return True

    def _start(self, account: Account) -> ServerAddress:
        binaries = self._binaries(account)
        known = self._known()
        password = known.password if known else secrets.token_hex(32)
        if not (self.cluster / "PG_VERSION").is_file():
            self._initialise(binaries, account, password)
        if known is not None and self._clear_the_way(known):
            return known
        sockets = self._socket_folder(known, account)
        self._remember(ServerAddress(sockets, password))
        self._launch(binaries, account, sockets)
        return ServerAddress(sockets, password)

    @contextmanager
    def _alone(self, account: Account) -> Iterator[None]:
        """Nobody else starts or stops this server meanwhile; the lock ends with its process."""
        self._check_passable(account)
        try:
            _make_folders(self.folder, 0o711 if account.switch else 0o700)
            lock = os.open(self.folder / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise Unavailable(
                "SERVER_FOLDER_UNUSABLE", file=str(self.folder), cause=str(error)
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _check_passable(self, account: Account) -> None:
        blocked = account.blocked_at(self.folder)
        if blocked is not None:
            raise Unavailable(
                "SERVER_FOLDER_CLOSED",
                file=str(self.folder),
                closed=str(blocked),
                account=account.name,
            )

    def _binaries(self, account: Account) -> Binaries:
        found = find_binaries()
        if account.can_read(Path(found.program("postgres")).resolve()):
            return found
        return copy_binaries(found, self.folder / "binaries")

    def _initialise(self, binaries: Binaries, account: Account, password: str) -> None:
        # Elsewhere first: a killed initdb must not leave half a data directory under the real name.
        draft = self.cluster.with_name(f"{MAJOR}.new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        account.own(draft)
        secret = self.folder / f".password-{secrets.token_hex(4)}"
        descriptor = os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(descriptor, password.encode())
            os.close(descriptor)
            account.own(secret)
            # The built-in locale sorts by code point on every machine and needs no system locale.
            command = [binaries.program("initdb"), "-D", str(draft), "-U", ADMIN_ROLE]
            command += ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
            command += ["--locale=C", "--auth=scram-sha-256", f"--pwfile={secret}"]
            if is_memory_backed(self.folder):
                command.append("--no-sync")
            done = subprocess.run(  # noqa: S603 - our own program with our own arguments
                command,
                capture_output=True,
                text=True,
                check=False,
                env=_environment(),
                cwd="/",
                **account.subprocess_arguments(),
            )
        finally:
            secret.unlink()
        if done.returncode != 0:
            raise Unavailable("SERVER_START_FAILED", cause=(done.stderr or done.stdout)[-2000:])
        draft.rename(self.cluster)

    def _clear_the_way(self, known: ServerAddress) -> bool:
        """True if an earlier server recovered and answers; else nothing of it is left to write."""
        pid = postmaster(self.cluster)
        if pid is not None:
            if self._await_ready(known.sockets, pid):
                return True
            stop_process(pid, timeout_s=_STOP_TIMEOUT_S)
        until = time.monotonic() + _STOP_TIMEOUT_S
        while left_over(self.cluster) and time.monotonic() < until:
            time.sleep(_POLL_S)
        remaining = left_over(self.cluster)
        if remaining:
            raise Unavailable("SERVER_STOP_FAILED", pid=remaining[0])
        drop_false_lock(self.cluster / "postmaster.pid")
        return False

    def _socket_folder(self, known: ServerAddress | None, account: Account) -> Path:
        own = self.folder / "run"
        if len(os.fsencode(own / _SOCKET)) <= _SOCKET_PATH_LIMIT:
            own.mkdir(mode=0o700, exist_ok=True)
            account.own(own)
            drop_false_lock(own / f"{_SOCKET}.lock")
            return own
        if known is not None and _is_private(known.sockets, account):
            drop_false_lock(known.sockets / f"{_SOCKET}.lock")
            return known.sockets
        runtime = os.environ.get("XDG_RUNTIME_DIR", "")
        usable = not account.switch and len(runtime) < 60 and _is_private(Path(runtime), account)
        # mkdtemp makes a directory of mode 0700 under a name that nobody can have taken before.
        made = Path(tempfile.mkdtemp(prefix="jingwei-", dir=runtime if usable else "/tmp"))  # noqa: S108
        account.own(made)
        return made

    def _launch(self, binaries: Binaries, account: Account, sockets: Path) -> None:
        log = self.folder / "start.log"
        with log.open("wb") as output:
            started = subprocess.run(  # noqa: S603 - our own program with our own arguments
                [
                    "/bin/sh",
                    "-c",
                    _DETACH,
                    "sh",
                    binaries.program("postgres"),
                    *self._flags(sockets, account),
                ],
                stdout=subprocess.PIPE,
                stderr=output,
                check=True,
                env=_environment(),
                cwd="/",
                start_new_session=True,
                **account.subprocess_arguments(),
            )
        pid = int(started.stdout)
        give_way(pid)
        if not self._await_ready(sockets, pid):
            raise Unavailable("SERVER_START_FAILED", cause=self._last_words())

    def _flags(self, sockets: Path, account: Account) -> list[str]:
        escaped = str(sockets).replace('"', '""')
        options = {
            "listen_addresses": "",
            "unix_socket_directories": f'"{escaped}"',
            "unix_socket_permissions": "0700",
            "port": str(_PORT),
            "max_connections": str(self._connections),
            "timezone": "UTC",
            "log_timezone": "UTC",
            "logging_collector": "on",
            "log_filename": "postgresql-%a.log",
            "log_truncate_on_rotation": "on",
            "log_rotation_age": "1d",
            "wal_level": "replica",
            "password_encryption": "scram-sha-256",
        }
        if not account.switch:
            # systemd removes an ordinary user's POSIX shared memory when he logs out.
            options["dynamic_shared_memory_type"] = "mmap"
        if is_memory_backed(self.folder):
            # Commits still wait until the kernel has them: a killed server loses none.
            options |= {"fsync": "off", "full_page_writes": "off"}
        flags = ["-D", str(self.cluster)]
        for name, value in options.items():
            flags += ["-c", f"{name}={value}"]
        return flags

    def _await_ready(self, sockets: Path, pid: int) -> bool:
        until = time.monotonic() + _START_TIMEOUT_S
        silent_until = time.monotonic() + _STOP_TIMEOUT_S
        while time.monotonic() < until and is_alive(pid):
            answer = ask(sockets / _SOCKET)
            if answer is Answer.READY:
                return True
            # Recovery may take long and says so; a server without a socket will never get one.
            if answer is Answer.NONE and time.monotonic() > silent_until:
                return False
            time.sleep(_POLL_S)
        return False

    def _last_words(self) -> str:
        logs = [self.folder / "start.log", *sorted((self.cluster / "log").glob("*.log"))[-1:]]
        return "\n".join(log.read_text(errors="replace")[-1500:] for log in logs if log.is_file())

    def _known(self) -> ServerAddress | None:
        try:
            record = json.loads((self.folder / "server.json").read_text())
            return ServerAddress(Path(record["sockets"]), record["password"])
        except PermissionError as error:
            raise Unavailable(
                "SERVER_FOLDER_UNUSABLE", file=str(self.folder), cause=str(error)
            ) from error
        except (OSError, ValueError, KeyError):
            return None

    def _remember(self, address: ServerAddress) -> None:
        draft = self.folder / f".server-{secrets.token_hex(4)}.json"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump({"sockets": str(address.sockets), "password": address.password}, file)
        draft.replace(self.folder / "server.json")


def _make_folders(folder: Path, mode: int) -> None:
    for step in (*reversed(folder.parents), folder):
        if not step.exists():
            step.mkdir(exist_ok=True)
            # Only what we made ourselves, whatever the umask was.
            step.chmod(mode)


def _is_private(folder: Path, account: Account) -> bool:
    try:
        status = folder.lstat()
    except OSError:
        return False
    is_folder = folder.is_dir() and not folder.is_symlink()
    return is_folder and status.st_uid == account.uid and status.st_mode & 0o077 == 0


def _environment() -> dict[str, str]:
    # Nothing of the caller's environment: PGDATA, PGPORT or LD_PRELOAD would change what we start.
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
