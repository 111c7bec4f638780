"""Writes ``deploy/kafka/acls``: the access rules as a table, and as commands of Kafka's own tool.

``python -m support.acl_pages`` writes them; ``make contracts`` calls it.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Final

from contracts.topic_access import (
    USERS,
    KafkaOperation,
    KafkaResourceKind,
    list_access_rules,
)
from contracts.topics import ALL_TOPICS

FOLDER: Final = Path(__file__).resolve().parents[2] / "deploy" / "kafka" / "acls"
PAGE: Final = FOLDER / "README.md"
SCRIPT: Final = FOLDER / "apply.sh"
BEGIN: Final = "<!-- rules: written by `make contracts` -->"
END: Final = "<!-- rules end -->"

_HEAD: Final = """\
#!/usr/bin/env bash
# Adds the access rules of onrecord's users with Kafka's own tool; written by `make contracts`.
#
#   KAFKA_TOPIC_PREFIX= deploy/kafka/acls/apply.sh \\
#     --bootstrap-server kafka:9093 --command-config admin.properties
#
# KAFKA_ACLS names the tool, ONRECORD_PRINCIPAL what goes before each user's name. It adds what is
# missing and takes nothing away; `python -m messaging acls apply` does both.
set -euo pipefail
connection=("$@")
prefix=${KAFKA_TOPIC_PREFIX-}
principal=${ONRECORD_PRINCIPAL-User:onrecord-}

# allow USER KIND OPERATION... -- NAME...
allow() {
  local user=$1 kind=$2 words=()
  shift 2
  while [ "$1" != -- ]; do words+=(--operation "$1"); shift; done
  shift
  for name in "$@"; do words+=("--$kind" "$prefix$name"); done
  ${KAFKA_ACLS:-kafka-acls.sh} "${connection[@]}" --add --allow-principal "$principal$user" \\
    "${words[@]}" >/dev/null
}

"""


def build_table() -> str:
    """Return the Markdown table of topics, groups and users."""
    cells: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for rule in list_access_rules():
        cells[rule.kind, rule.name, rule.user].append(rule.operation)
    names = [(KafkaResourceKind.TOPIC, topic.name) for topic in ALL_TOPICS]
    names += sorted({(kind, name) for kind, name, _ in cells if kind is KafkaResourceKind.GROUP})
    lines = [f"| | {' | '.join(USERS)} |", f"|---|{'---|' * len(USERS)}"]
    for kind, name in names:
        row = [", ".join(sorted(cells.get((kind, name, user), ()))) for user in USERS]
        lines.append(f"| {kind} `{name}` | {' | '.join(row)} |")
    return "\n".join(lines) + "\n"


def build_script() -> str:
    """Return the script: one call for the topics, or groups, on which a user may do the same."""
    operations: dict[tuple[str, KafkaResourceKind, str], list[KafkaOperation]] = defaultdict(list)
    for rule in list_access_rules():
        operations[rule.user, rule.kind, rule.name].append(rule.operation)
    calls: dict[tuple[str, KafkaResourceKind, tuple[KafkaOperation, ...]], list[str]] = defaultdict(
        list
    )
    for (user, kind, name), allowed in operations.items():
        calls[user, kind, tuple(sorted(allowed))].append(name)
    lines = [
        f"allow {user} {kind} {' '.join(allowed)} -- \\\n  {' '.join(sorted(names))}"
        for (user, kind, allowed), names in sorted(calls.items(), key=lambda it: it[0][:2])
    ]
    return _HEAD + "\n".join(lines) + "\n"


def put_into(page: str) -> str:
    """Return the page with the present table between its marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{build_table()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(put_into(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    SCRIPT.write_text(build_script(), encoding="utf-8")
    SCRIPT.chmod(0o755)
