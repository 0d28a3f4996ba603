"""Settings of the platform (配置): environment variables with the prefix ``JINGWEI_``.

Reading them touches no file and no network. Secrets are never given a default: they are made once,
kept in a file of mode 0600 and everything else is derived from it.
"""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from jingwei_sdk.errors import Unavailable

SYSTEM_DATA_DIR = Path("/var/lib/jingwei")
_SECRET_BYTES = 32


def default_data_dir() -> Path:
    """Where data lives unless told otherwise: ``/var/lib/jingwei`` for root, else the XDG folder.

    Root's own home is closed to the unprivileged account that PostgreSQL must run as.
    """
    if os.geteuid() == 0:
        return SYSTEM_DATA_DIR
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "jingwei"


class Settings(BaseSettings):
    """What an operator may set; each field is the variable ``JINGWEI_<FIELD>``."""

    model_config = SettingsConfigDict(env_prefix="JINGWEI_", frozen=True, extra="ignore")

    database_url: str | None = Field(
        default=None, description="role that may create roles and objects; unset: embedded server"
    )
    app_database_url: str | None = Field(
        default=None, description="application role, for hosts that must not hold the owner's URL"
    )
    data_dir: Path = Field(
        default_factory=default_data_dir,
        description="files of this host: secret, embedded database, folder store",
    )
    secret_key: SecretStr | None = Field(
        default=None,
        description="the deployment's secret, at least 32 bytes; unset: the file below",
    )
    secret_key_file: Path | None = Field(default=None, description="default: <data_dir>/secret.key")
    access_token_s: int = Field(default=600, ge=30, le=3600, description="life of an access token")
    refresh_token_s: int = Field(
        default=14 * 86_400,
        ge=600,
        description="a session ends when it is not refreshed for so long",
    )
    sign_in_failures: int = Field(
        default=5, ge=3, description="failed sign-ins before an account locks"
    )
    sign_in_lock_s: int = Field(
        default=900, ge=60, description="first lock; each further failure doubles"
    )
    sign_in_lock_max_s: int = Field(default=86_400, ge=60, description="longest lock")
    server_account: str | None = Field(
        default=None, description="account the embedded server runs as when started by root"
    )
    role_prefix: str = Field(
        default="jingwei",
        pattern=r"^[a-z][a-z0-9_]{0,40}$",
        description="the roles are <prefix>_owner, _app and _ops",
    )
    statement_timeout_s: float = Field(
        default=15, gt=0, description="longest statement of a request or job"
    )
    lock_timeout_s: float = Field(
        default=5, gt=0, description="longest wait for a row that others change"
    )
    idle_in_unit_timeout_s: float = Field(
        default=60, gt=0, description="a transaction that stands still longer is ended"
    )
    connect_timeout_s: float = Field(default=10, gt=0, description="longest wait for a connection")
    pool_size: int = Field(
        default=20, ge=1, description="database connections of a process for units of work"
    )
    read_lanes: int = Field(
        default=4,
        ge=1,
        description="database connections of a process for reads in one trip; fewer are quicker"
        " where they share few cores, more where statements are slow",
    )
    plugin_jobs_waiting: int = Field(
        default=10_000,
        ge=1,
        description="jobs of one name that a plugin may have waiting for a tenant, unless it says",
    )
    plugin_jobs_together: int = Field(
        default=20_000,
        ge=1,
        description="jobs of all its names that a plugin may have waiting for a tenant",
    )
    statement_cache_size: int = Field(
        default=200, ge=0, description="0 behind a pooler in transaction mode"
    )
    required_plugins: tuple[str, ...] = Field(
        default=(),
        description="JSON list of plugins without which this deployment does not serve",
    )
    deny_list: Path | None = Field(
        default=None, description="signed file with the versions of plugins that must not run"
    )
    deny_list_keys: tuple[str, ...] = Field(
        default=(), description="JSON list of Ed25519 public keys (base64) that may sign it"
    )
    deny_list_check_s: float = Field(
        default=3600, gt=0, description="how often a serving process reads the deny list"
    )
    log_level: str = Field(
        default="INFO",
        pattern=r"^(DEBUG|INFO|WARNING|ERROR)$",
        description="DEBUG, INFO, WARNING or ERROR",
    )

    @property
    def owner_role(self) -> str:
        """The role that owns every object and runs migrations; nobody logs in as it."""
        return f"{self.role_prefix}_owner"

    @property
    def app_role(self) -> str:
        """The role the application logs in as: owns nothing, cannot pass row security."""
        return f"{self.role_prefix}_app"

    @property
    def ops_role(self) -> str:
        """The role for back-up and support: reads every tenant's rows."""
        return f"{self.role_prefix}_ops"

    @property
    def secret_path(self) -> Path:
        """The file that holds this deployment's secret."""
        return self.secret_key_file or self.data_dir / "secret.key"

    def secret(self) -> bytes:
        """The deployment's secret: ``JINGWEI_SECRET_KEY``, or the file, made at first use (0600).

        Raises ``Unavailable`` (``SECRET_UNREADABLE``) if it cannot be read or made, or is short.
        """
        if self.secret_key is not None:
            given = self.secret_key.get_secret_value().encode()
            if len(given) < _SECRET_BYTES:
                cause = f"shorter than {_SECRET_BYTES} bytes"
                raise Unavailable("SECRET_UNREADABLE", file="JINGWEI_SECRET_KEY", cause=cause)
            return given
        try:
            return _read_or_make(self.secret_path)
        except (OSError, ValueError) as error:
            raise Unavailable(
                "SECRET_UNREADABLE", file=str(self.secret_path), cause=str(error)
            ) from error

    def derived_secret(self, purpose: str) -> str:
        """A secret of its own for each purpose (hex, 256 bits), the same at every start."""
        return hmac.new(self.secret(), purpose.encode(), hashlib.sha256).hexdigest()


def _read_or_make(path: Path) -> bytes:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_hex(_SECRET_BYTES).encode())
        try:
            # A link never replaces: of two processes starting at once, one secret wins for both.
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    value = path.read_bytes().strip()
    if len(value) < _SECRET_BYTES:
        raise ValueError(f"shorter than {_SECRET_BYTES} bytes")
    return value
