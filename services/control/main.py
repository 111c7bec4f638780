"""The control process: ``python -m control.main``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from configuration.settings_errors import exit_on_settings_errors
from contracts.topics import CONTROL
from control.api import Api, ApiContext
from control.handlers import control_stage
from control.reader import open_reader
from control.replay import LetterReplayer
from control.settings import ControlSettings
from control.store import LetterStore
from database.migrate import open_migrated_database
from database.settings import PostgresSettings
from messaging import KafkaSettings, Publisher, Service, Stage, run


@exit_on_settings_errors
def main() -> None:
    """Run until SIGTERM."""
    settings, kafka, postgres = ControlSettings(), KafkaSettings(), PostgresSettings()
    api = Api()

    @asynccontextmanager
    async def build(publisher: Publisher) -> AsyncIterator[Stage]:
        async with (
            open_migrated_database(postgres) as database,
            open_reader(kafka, settings.read_timeout_s) as reader,
        ):
            store = LetterStore(database)
            replayer = LetterReplayer(store, reader, publisher)
            async with replayer.repairing():
                api.context = ApiContext(store, reader, replayer)
                try:
                    yield control_stage(store)
                finally:
                    api.context = None

    run(Service(CONTROL, settings, kafka, build, routes=api.routes))


if __name__ == "__main__":
    main()
