"""PostgreSQL that requires TLS and a password."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import asyncpg

from database.pool import Record, open_database
from database.settings import PostgresSettings
from local_stack import postgres as server
from local_stack.postgres import ROLE
from support.certificates import LOOPBACK, Authority
from support.postgres_programs import programs
from support.stack import embedded_stack, temporary_home

PASSWORD: Final = "canary-postgres-77c2"
STACK: Final = """
processes:
  postgres:
    command: ["{python}", -m, support.secure_postgres, "{data}/postgres", "{port}"]
    env: {POSTGRES_PASSWORD: "{secret}"}
    provides: {POSTGRES_DSN: "postgresql://onrecord:{secret}@127.0.0.1:{port}/onrecord"}
    ready: postgres
    stop_signal: INT
    orphan_signal: QUIT
"""
CERTIFIED: Final = "certified"
"""A role without a password, which has to show a certificate made out to it."""
_ONLY_ENCRYPTED: Final = f"""
hostssl all {CERTIFIED} 127.0.0.1/32 cert
hostssl all all 127.0.0.1/32 scram-sha-256
"""


class SecurePostgres:
    """A PostgreSQL server on loopback that requires TLS and a password.

    Args:
        port: where it listens.
        authority: has signed its certificate.
    """

    def __init__(self, port: int, authority: Authority) -> None:
        self._port = port
        self.authority = authority

    def dsn_without_password(self, role: str = ROLE) -> str:
        return f"postgresql://{role}@127.0.0.1:{self._port}/{ROLE}"

    def dsn(self, *, host: str = "127.0.0.1", password: str = PASSWORD) -> str:
        return f"postgresql://{ROLE}:{password}@{host}:{self._port}/{ROLE}"

    def env(self, **changes: str) -> dict[str, str]:
        """Settings of a user it lets in, changed as given."""
        return {
            "POSTGRES_DSN": self.dsn(),
            "POSTGRES_SSLMODE": "verify-full",
            "POSTGRES_SSLROOTCERT": str(self.authority.certificate),
        } | changes

    def user(self, **changes: Any) -> PostgresSettings:
        """As ``env``, for a client in this process."""
        given: dict[str, Any] = {
            "dsn": self.dsn(),
            "sslmode": "verify-full",
            "sslrootcert": self.authority.certificate,
        }
        return PostgresSettings(**given | changes)

    async def fetch(self, query: str) -> Sequence[Record]:
        """What a query of the database gives."""
        async with open_database(self.user()) as database:
            return await database.fetch(query)


@contextmanager
def secure_postgres(authority: Authority) -> Iterator[SecurePostgres]:
    """Run such a server for the duration of the context."""
    programs()  # fetched here, where it may take its time
    with temporary_home() as home:
        home.mkdir()
        file = home / "stack.yaml"
        file.write_text(STACK, encoding="utf-8")
        path = os.pathsep.join(sys.path)
        with embedded_stack("postgres", env={"PYTHONPATH": path}, file=file) as stack:
            dsn = stack.client_env()["POSTGRES_DSN"]
            cluster = stack.home.data / "postgres"
            _equip(cluster, authority)
            asyncio.run(_demand_encryption(dsn, cluster))
            yield SecurePostgres(urlsplit(dsn).port or 0, authority)


def _equip(cluster: Path, authority: Authority) -> None:
    """Install the certificate and key; the server refuses a key that others can read."""
    owner, identity = cluster.stat(), authority.identity("postgres", *LOOPBACK)
    files = {
        "server.crt": identity.certificate,
        "server.key": identity.key,
        "ca.crt": authority.certificate,
    }
    for name, source in files.items():
        file = Path(shutil.copy(source, cluster / name))
        file.chmod(0o600)
        os.chown(file, owner.st_uid, owner.st_gid)


async def _demand_encryption(dsn: str, cluster: Path) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(f"ALTER ROLE {ROLE} PASSWORD '{PASSWORD}'")
        await connection.execute(f"CREATE ROLE {CERTIFIED} LOGIN")
        await connection.execute("ALTER SYSTEM SET ssl = on")
        await connection.execute("ALTER SYSTEM SET ssl_ca_file = 'ca.crt'")
        (cluster / "pg_hba.conf").write_text(_ONLY_ENCRYPTED, encoding="ascii")
        await connection.execute("SELECT pg_reload_conf()")
    finally:
        await connection.close()


def main(cluster: str, port: str) -> None:
    """Become the server as the local stack does, with programs that can encrypt."""
    server.find_postgres_programs = programs
    server.main(Path(cluster), int(port), os.environ["POSTGRES_PASSWORD"])


if __name__ == "__main__":
    main(*sys.argv[1:])
