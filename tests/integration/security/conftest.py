"""A broker and a database that demand encryption and a login, and whom they trust."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from support.authorizing_kafka import AuthorizingKafka, authorizing_kafka
from support.certificates import Authority
from support.missing import missing, require_kafka_jars
from support.postgres_programs import PostgresMissingError, programs
from support.secure_kafka import SecureKafka, all_closed, secure_kafka
from support.secure_postgres import SecurePostgres, secure_postgres


@pytest.fixture(autouse=True)
async def everything_is_closed() -> AsyncIterator[None]:
    yield
    await all_closed()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that has vouched for nobody here."""
    return Authority(tmp_path_factory.mktemp("stranger"), "stranger")


@pytest.fixture(scope="session")
def closed_kafka(authority: Authority) -> Iterator[SecureKafka]:
    require_kafka_jars()
    with secure_kafka(authority) as broker:
        yield broker


@pytest.fixture(scope="session")
def ruled_kafka(authority: Authority) -> Iterator[AuthorizingKafka]:
    """A broker with access rules; none of them is made yet."""
    require_kafka_jars()
    with authorizing_kafka(authority) as broker:
        yield broker


@pytest.fixture(scope="session")
def closed_postgres(authority: Authority) -> Iterator[SecurePostgres]:
    try:
        programs()
    except PostgresMissingError as error:
        missing(str(error))
    with secure_postgres(authority) as server:
        yield server
