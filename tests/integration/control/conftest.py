"""What tests of control share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from database.pool import Database
from support.control_office import Office, open_office


@pytest.fixture
async def office(broker: str, fresh_database: Database) -> AsyncIterator[Office]:
    async with open_office(broker, fresh_database) as opened:
        yield opened
