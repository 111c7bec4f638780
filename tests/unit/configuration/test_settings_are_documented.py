"""`docs/settings.md` names every variable, with its default."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from configuration.builds import BuildSettings
from control.access.oidc import OidcSettings
from control.settings import ControlSettings
from database.settings import PostgresSettings
from guardrail.settings import GuardrailSettings
from ingestion.settings import IngestionSettings
from messaging import KafkaSettings, StageSettings
from model_client import ModelSettings
from model_client.cache.store import CacheSettings
from model_client.ledger.budgets import BudgetSettings

PAGE = Path(__file__).resolve().parents[3] / "docs" / "settings.md"


@pytest.mark.parametrize(
    ("settings", "prefix"),
    [
        (KafkaSettings, "KAFKA_"),
        (PostgresSettings, "POSTGRES_"),
        (ModelSettings, ""),
        (CacheSettings, "ONRECORD_CACHE_"),
        (BudgetSettings, "ONRECORD_BUDGET_"),
        (BuildSettings, "ONRECORD_"),
        (StageSettings, "<SERVICE>_"),
        (ControlSettings, "CONTROL_"),
        (OidcSettings, "CONTROL_OIDC_"),
        (GuardrailSettings, "GUARDRAIL_"),
        (IngestionSettings, "INGESTION_"),
    ],
)
def test_every_setting_stands_on_the_page(settings: type[BaseSettings], prefix: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    of_all = {field.description for field in StageSettings.model_fields.values()}
    inherited = of_all if issubclass(settings, StageSettings) else set()
    for name, field in settings.model_fields.items():
        if settings is not StageSettings and field.description in inherited:
            continue
        variable = field.validation_alias or f"{prefix}{name.upper()}"
        (line,) = [one for one in page.splitlines() if one.startswith(f"| `{variable}` |")]
        assert str(field.description) in line
        if isinstance(field.default, int | float) and field.default is not True:
            assert f"| `{field.default:g}` |" in line or f"| `{field.default}` |" in line
