"""Settings of the evidence room (证据配置): environment variables, prefix ``JINGWEI_EVIDENCE_``."""

from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from jingwei_core.evidence.facts import MEBIBYTE
from jingwei_core.evidence.store import LockMode


class EvidenceSettings(BaseSettings):
    """What an operator may set; each field is the variable ``JINGWEI_EVIDENCE_<FIELD>``."""

    model_config = SettingsConfigDict(env_prefix="JINGWEI_EVIDENCE_", frozen=True, extra="ignore")

    store: Literal["folder", "s3"] = Field(default="folder", description="where the bytes lie")
    folder: Path | None = Field(default=None, description="default: <data_dir>/evidence")
    public_url: str = Field(
        default="",
        description="origin of the API in links of the folder store; empty: relative links",
    )
    s3_endpoint: str | None = Field(
        default=None, description="host:port as this process reaches it"
    )
    s3_public_endpoint: str | None = Field(
        default=None, description="host:port as clients reach it"
    )
    s3_access_key: SecretStr | None = Field(default=None, description="account of the store")
    s3_secret_key: SecretStr | None = Field(default=None, description="its secret")
    s3_bucket: str = Field(
        default="jingwei-evidence", description="made with object lock if it is not there"
    )
    s3_region: str = Field(default="us-east-1", description="signed into links")
    s3_secure: bool = Field(default=True, description="HTTPS to the store")
    s3_lock_mode: LockMode = Field(
        default=LockMode.GOVERNANCE,
        description="COMPLIANCE: not even the server's owner may delete",
    )
    retention_days: int = Field(default=1096, ge=1, description="how long an original stays locked")
    max_bytes: int = Field(default=20 * MEBIBYTE, ge=1024, description="of one picture")
    link_s: int = Field(default=600, ge=30, le=86_400, description="life of a signed link")
    upload_form_s: int = Field(default=3600, ge=60, le=86_400, description="life of an upload form")
    max_pending: int = Field(default=100, ge=1, description="uncommitted uploads of one account")
    worker_processes: int = Field(default=2, ge=1, description="processes that read pictures")
    picture_limit_s: float = Field(
        default=20, gt=0, description="time one picture may take a worker"
    )

    @property
    def retention(self) -> timedelta:
        """How long an original stays locked."""
        return timedelta(days=self.retention_days)
