"""Each login's volume has a folder in the image, whose owner and mode it takes."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from database.logins import LOGINS

ROOT = Path(__file__).parents[3]


def test_the_image_has_a_folder_for_each_login() -> None:
    image = (ROOT / "deploy/Dockerfile").read_text("utf-8")
    (named,) = re.findall(r"for login in ([a-z ]+); do", image)
    assert sorted(named.split()) == sorted(LOGINS)


def test_compose_mounts_volumes_only_where_the_image_has_a_folder() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    mounted = {
        volume.split(":")[1].removeprefix("/logins/").partition("/")[0]
        for service in compose["services"].values()
        for volume in service.get("volumes", ())
        if isinstance(volume, str) and ":/logins/" in volume
    }
    assert mounted - {"superuser"} == set(LOGINS)
