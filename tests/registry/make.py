"""Builders of what stands in the database before a test begins."""

import shutil
from datetime import date
from pathlib import Path

from sqlalchemy import insert

from registry import identifiers
from registry.settings import Secrets, Settings
from registry.store import SYSTEM_TENANT, Store
from registry.store.tables import data_key, organisation


def with_secret(settings: Settings, copied: Path, name: str, value: str) -> Settings:
    """Settings with one secret more, in a copy of the folder: the folder itself is that of all tests."""
    shutil.copytree(settings.secrets_dir, copied)
    path = copied / name
    path.write_text(value, "utf-8")
    path.chmod(0o400)
    return settings.model_copy(update={"secrets_dir": copied})


def make_organisation(
    store: Store,
    settings: Settings,
    *,
    code: str = "RK9",
    name: str = "",
    nation: str = "England",
    kind: str = "nhs_trust",
    live_from: date | None = None,
) -> int:
    """An organisation with its wrapped data key; gives its tenant id."""
    with store.transaction(tenants=(SYSTEM_TENANT,)) as connection:
        tenant: int = connection.execute(
            insert(organisation)
            .values(code=code, name=name or f"Trust {code}", nation=nation, kind=kind, live_from=live_from)
            .returning(organisation.c.id)
        ).scalar_one()
        wrapped = identifiers.wrap(master_key(settings.secrets_dir), tenant, identifiers.new_data_key())
        connection.execute(insert(data_key).values(organisation_id=tenant, version=1, wrapped=wrapped))
    return tenant


def master_key(secrets_folder: Path) -> bytes:
    return Secrets.load(secrets_folder, ["master"])["master"]
