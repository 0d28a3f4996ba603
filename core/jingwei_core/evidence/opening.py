"""Opening the store (打开证据库) that the settings name."""

from jingwei_core.evidence.evidence_settings import EvidenceSettings
from jingwei_core.evidence.local import LocalStore
from jingwei_core.evidence.store import ObjectStore
from jingwei_core.evidence.workers import ImageWorkers
from jingwei_core.settings import Settings
from jingwei_sdk.errors import Unavailable

_SECRET_PURPOSE = "evidence"  # noqa: S105 - what the secret is derived for


def open_store(settings: Settings, evidence: EvidenceSettings | None = None) -> ObjectStore:
    """The store; nothing is read or made before its ``ensure_ready``.

    Raises ``Unavailable``: ``EVIDENCE_S3_UNSET`` when S3 is chosen and its address or keys are
    missing, ``SECRET_UNREADABLE``.
    """
    chosen = evidence or EvidenceSettings()
    if chosen.store == "s3":
        return _s3_store(chosen)
    return LocalStore(
        chosen.folder or settings.data_dir / "evidence",
        secret=settings.derived_secret(_SECRET_PURPOSE).encode(),
        base_url=chosen.public_url,
    )


def open_workers(evidence: EvidenceSettings | None = None) -> ImageWorkers:
    """The image workers of one process; leave them (``async with``) to end theirs."""
    chosen = evidence or EvidenceSettings()
    return ImageWorkers(processes=chosen.worker_processes, time_limit_s=chosen.picture_limit_s)


def _s3_store(chosen: EvidenceSettings) -> ObjectStore:
    # Its client is loaded where there is an S3.
    from jingwei_core.evidence.s3 import S3Access, S3Store

    endpoint, access, secret = chosen.s3_endpoint, chosen.s3_access_key, chosen.s3_secret_key
    if endpoint is None or access is None or secret is None:
        given = {"S3_ENDPOINT": endpoint, "S3_ACCESS_KEY": access, "S3_SECRET_KEY": secret}
        missing = ", ".join(
            f"JINGWEI_EVIDENCE_{name}" for name, value in given.items() if not value
        )
        raise Unavailable("EVIDENCE_S3_UNSET", missing=missing)
    where = S3Access(
        endpoint=endpoint,
        access_key=access.get_secret_value(),
        secret_key=secret.get_secret_value(),
        bucket=chosen.s3_bucket,
        region=chosen.s3_region,
        secure=chosen.s3_secure,
        public_endpoint=chosen.s3_public_endpoint,
    )
    return S3Store(where, lock_mode=chosen.s3_lock_mode)
