"""Settings of the API (接口配置): environment variables with the prefix ``JINGWEI_API_``."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ApiSettings(BaseSettings):
    """What an operator may set; each field is the variable ``JINGWEI_API_<FIELD>``."""

    model_config = SettingsConfigDict(env_prefix="JINGWEI_API_", frozen=True, extra="ignore")

    cors_origins: tuple[str, ...] = Field(
        default=(), description="JSON list of origins whose pages may call; none by default"
    )
    max_body_bytes: int = Field(default=1024 * 1024, ge=1024, description="of a GraphQL request")
    max_depth: int = Field(default=14, ge=3, description="nesting of fields in an operation")
    max_aliases: int = Field(default=60, ge=0, description="fragments count at each use")
    max_tokens: int = Field(default=4000, ge=50, description="of a GraphQL document")
    max_rows: int = Field(default=20_000, ge=100, description="an operation could return")
    max_cost: int = Field(
        default=50_000, ge=100, description="of an operation, as docs/graphql.md counts it"
    )
    cost_per_minute: int = Field(
        default=300_000,
        ge=0,
        description="cost that one account may ask for in a minute, in each process; 0: no budget",
    )
    max_root_fields: int = Field(
        default=30, ge=1, description="of an operation, mutations included"
    )
    max_subscriptions: int = Field(default=20, ge=1, description="at once on one connection")
    subscription_check_s: float = Field(
        default=5, gt=0, le=5, description="how long an ended session may go on listening"
    )
    schema_cache_size: int = Field(
        default=16, ge=1, description="sets of plugins whose schema is kept, 1.5 MB each"
    )
    auth_calls_per_minute: int = Field(
        default=120, ge=1, description="calls under /auth from one address, in each process"
    )
    metrics_token: SecretStr | None = Field(
        default=None,
        min_length=16,
        description="bearer token that GET /metrics asks for; without one there is no such page",
    )
    trusted_documents: Path | None = Field(
        default=None,
        description="manifest (Relay's or Apollo's), .graphql file or folder of documents that"
        " may be asked for by the SHA-256 of their text",
    )
    trusted_only: bool = Field(
        default=False, description="run trusted documents and no others, introspection included"
    )
    console: bool = Field(
        default=True,
        description="serve GraphiQL at GET /graphql, and the page of plugins at /console/plugins",
    )
