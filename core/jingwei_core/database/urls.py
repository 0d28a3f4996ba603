"""Where the database is and as whom we go there."""

from urllib.parse import quote, urlsplit, urlunsplit

from jingwei_core.database.embedded import EmbeddedServer
from jingwei_core.settings import Settings
from jingwei_sdk.errors import Unavailable

EMBEDDED_DATABASE = "jingwei"


def embedded_server(settings: Settings) -> EmbeddedServer:
    """The embedded server of these settings, running or not."""
    return EmbeddedServer(settings.data_dir / "postgres", account=settings.server_account)


def is_embedded(settings: Settings) -> bool:
    """Whether no URL is set, so that the embedded server is used."""
    return settings.database_url is None and settings.app_database_url is None


def owner_url(settings: Settings) -> str:
    """The URL of a role that may create roles and objects; starts the embedded server if need be.

    Raises ``Unavailable`` (``OWNER_URL_MISSING``) if only the application's URL is set.
    """
    if settings.database_url is not None:
        return settings.database_url
    if settings.app_database_url is not None:
        raise Unavailable("OWNER_URL_MISSING")
    return embedded_server(settings).start().url(EMBEDDED_DATABASE)


def app_url(settings: Settings) -> str:
    """The URL of the application role; starts the embedded server if need be.

    Raises ``Unavailable`` (``SECRET_UNREADABLE``) if its password cannot be derived.
    """
    if settings.app_database_url is not None:
        return settings.app_database_url
    return with_credentials(owner_url(settings), settings.app_role, app_password(settings))


def app_password(settings: Settings) -> str:
    """The application role's password, derived from the deployment's secret."""
    return settings.derived_secret(f"database role {settings.app_role}")


def with_credentials(url: str, role: str, password: str) -> str:
    """The same database, as another role."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    netloc = f"{quote(role, safe='')}:{quote(password, safe='')}@{place}"
    return urlunsplit(parts._replace(netloc=netloc))


def with_database(url: str, database: str) -> str:
    """The same server and role, another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{quote(database, safe='')}"))
