"""The folder ``schemas/``: generated from the contracts, checked against them, released."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from contracts.compatibility import BreakingChange, find_all_breaking_changes
from contracts.export import GENERATED_FOLDERS, render_generated_files, to_json
from contracts.json_schema import build_event_schema
from contracts.topics import EVENT_TOPICS
from telemetry.metrics_document import render_metrics_page

RELEASED: Final = "released"
"""Holds the event schemas that producers and consumers out there rely on."""

METRICS_PAGE: Final = "../docs/metrics.md"
"""Where the metrics are described: public names, as those of the schemas are."""

ACCEPTED: Final = "accepted.yaml"
"""Lists changes that break the letter of a released schema and nobody who uses it, with reasons."""


@dataclass(frozen=True, slots=True)
class SchemaFolder:
    """Folder of generated schema files: writes, checks and releases them.

    Attributes:
        path: the folder, such as ``schemas``.
    """

    path: Path

    def drift(self) -> dict[str, str]:
        """Files that differ from the contracts: path below the folder → what is wrong with it."""
        wanted = self._render()
        found = {name: self._fault(name, text) for name, text in wanted.items()}
        found |= dict.fromkeys(self._generated_before() - wanted.keys(), "left over")
        return {name: fault for name, fault in sorted(found.items()) if fault}

    def write(self) -> dict[str, str]:
        """Write the files from the contracts, and remove files that no contract has.

        Returns:
            What ``drift`` returned before.
        """
        drift = self.drift()
        wanted = self._render()
        for name in drift:
            target = self.path / name
            if name in wanted:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(wanted[name], encoding="utf-8")
            else:
                target.unlink()
        return drift

    def breaking_changes(self) -> tuple[BreakingChange, ...]:
        """What in the contracts breaks somebody who relies on the released schemas.

        Changes that ``accepted.yaml`` names, each with its reason, are left out.
        """
        return tuple(one for one in self._all_breaking_changes() if not self.accepts(one))

    def accepts(self, finding: BreakingChange) -> bool:
        """Return whether ``accepted.yaml`` names a breaking change."""
        return any(_begins_as(str(finding), beginning) for beginning in self.accepted())

    def accepted_in_vain(self) -> tuple[str, ...]:
        """What ``accepted.yaml`` accepts although nothing has changed so: to be taken out."""
        changes = [str(one) for one in self._all_breaking_changes()]
        return tuple(
            one for one in self.accepted() if not any(_begins_as(change, one) for change in changes)
        )

    def _all_breaking_changes(self) -> tuple[BreakingChange, ...]:
        released = {file.name: _read(file) for file in sorted(self._released.glob("*.json"))}
        return find_all_breaking_changes(released, _current())

    def accepted(self) -> tuple[str, ...]:
        """How the sentences of accepted changes begin; ``*`` stands for anything."""
        file = self.path / ACCEPTED
        if not file.exists():
            return ()
        listed = yaml.safe_load(file.read_text("utf-8")) or []
        return tuple(one["change"] for one in listed if one["reason"])

    def release(self) -> list[str]:
        """Make the contracts the schemas that later ones are compared with.

        Returns:
            Names of the files that changed.
        """
        self._released.mkdir(parents=True, exist_ok=True)
        changed = []
        for name, schema in _current().items():
            target, text = self._released / name, to_json(schema)
            if not target.exists() or target.read_text("utf-8") != text:
                target.write_text(text, encoding="utf-8")
                changed.append(f"{RELEASED}/{name}")
        return changed

    @property
    def _released(self) -> Path:
        return self.path / RELEASED

    def _fault(self, name: str, text: str) -> str:
        file = self.path / name
        if not file.exists():
            return "missing"
        return "" if file.read_text("utf-8") == text else "differs"

    def _render(self) -> dict[str, str]:
        """Return the wanted files: path below the folder → text.

        Where there is a folder ``docs`` beside it, the page of metrics is among them.
        """
        files = render_generated_files()
        if (self.path / METRICS_PAGE).parent.is_dir():
            files = {**files, METRICS_PAGE: render_metrics_page()}
        return files

    def _generated_before(self) -> set[str]:
        files = (file for folder in GENERATED_FOLDERS for file in (self.path / folder).glob("*"))
        return {file.relative_to(self.path).as_posix() for file in files}


def _current() -> dict[str, dict[str, Any]]:
    """Schemas by the name of their released file, such as ``ChunkReady.v1.schema.json``."""
    declared = (topic.event for topic in EVENT_TOPICS if topic.event is not None)
    return {
        f"{event.ce_type.removeprefix('onrecord.')}.schema.json": build_event_schema(event)
        for event in declared
    }


def _begins_as(sentence: str, beginning: str) -> bool:
    pattern = ".*".join(map(re.escape, beginning.split("*")))
    return re.match(pattern, sentence) is not None


def _read(file: Path) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return schema
