"""``python -m bench``: measure side by side, write ``.onrecord/bench/<name>.json``, print a table.

``ONLY=name`` measures one, ``SCALE=0.1`` does a tenth of the messages and repeats, to see that it
works. Exit codes: 0 measured, whether or not the goals are reached; 1 a measure could not be taken;
2 wrong usage; 3 Apache Kafka cannot be had here. It is not started for measures that are marked
``WITHOUT_BROKER``.
"""

from __future__ import annotations

import asyncio
import json
import os
import pkgutil
import sys
import time
import traceback
from contextlib import ExitStack
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from bench.harness import ROOT, Lab, Result, commit, stack
from bench.quiet import be_quiet
from bench.table import lines
from messaging.broker.application import configure_garbage_collector
from support.apache_kafka import KafkaDidNotStartError, own_kafka
from support.kafka_jars import KafkaMissingError

FOLDER: Final = ROOT / ".onrecord" / "bench"
SKIPPED: Final = "__main__"


def measures() -> dict[str, ModuleType]:
    """Every module here that has a ``measure``, by the name it is asked for."""
    folder = str(Path(__file__).parent)
    modules = {
        one.name.replace("_", "-"): import_module(f"bench.{one.name}")
        for one in pkgutil.iter_modules([folder])
        if one.name != SKIPPED
    }
    return {name: one for name, one in modules.items() if hasattr(one, "measure")}


def take(names: dict[str, ModuleType], scale: float) -> tuple[dict[str, dict[str, Any]], bool]:
    """Take the measures on one broker and write each down as soon as it is there.

    Returns:
        What was found, by name, and whether all could be taken.
    """
    found: dict[str, dict[str, Any]] = {}
    FOLDER.mkdir(parents=True, exist_ok=True)
    # As a service does when it starts; it holds for all sides alike.
    configure_garbage_collector()
    with ExitStack() as running:
        needed = not all(getattr(one, "WITHOUT_BROKER", False) for one in names.values())
        lab = Lab(running.enter_context(own_kafka()).servers if needed else "", scale)
        for name, module in names.items():
            begin = time.monotonic()
            _say(f"{name}: {(module.__doc__ or name).splitlines()[0]}")
            try:
                result: Result = asyncio.run(module.measure(lab))
            except Exception:  # noqa: BLE001 - the other measures are still wanted
                _say(traceback.format_exc())
                continue
            found[name] = as_json(name, result, scale)
            text = json.dumps(found[name], indent=2, ensure_ascii=False)
            (FOLDER / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")
            _say(f"{name}: {time.monotonic() - begin:.0f} s")
    return found, len(found) == len(names)


def as_json(name: str, result: Result, scale: float) -> dict[str, Any]:
    """Return a measure's JSON file as a document."""
    document = asdict(result)
    notes, shortfalls = list(document.pop("notes")), list(document.pop("shortfalls"))
    if scale != 1:
        notes.append(f"taken at scale {scale:g}: it shows that it works, not how well")
    document["figure"] = round(result.figure, 4)
    return {
        "name": name,
        **document,
        "holds": result.holds,
        "shortfalls": shortfalls,
        "stack": stack(),
        "commit": commit(),
        "notes": notes,
    }


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def main() -> int:
    """Take what the environment asks for and print the table."""
    known = measures()
    only, scale = os.environ.get("ONLY", ""), os.environ.get("SCALE") or "1"
    if only and only not in known:
        _say(f"there is no measure {only}; there are: {', '.join(known)}")
        return 2
    try:
        factor = float(scale)
    except ValueError:
        factor = 0.0
    if not 0 < factor <= 1:
        _say(f"SCALE is above 0 and at most 1, not {scale}")
        return 2
    be_quiet()
    try:
        found, all_taken = take({only: known[only]} if only else known, factor)
    except (KafkaMissingError, KafkaDidNotStartError) as error:
        _say(str(error))
        return 3
    sys.stdout.write("\n".join(lines(list(found.values()))) + "\n")
    return 0 if all_taken else 1


if __name__ == "__main__":
    sys.exit(main())
