from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from local_stack.errors import StackFailedError
from local_stack.state import MAX_LOG_BYTES, StackFolder, StackLock, StackState


def a_home(folder: Path) -> StackFolder:
    home = StackFolder(folder / "home")
    home.create()
    return home


def test_nothing_is_remembered_where_nothing_was_saved(tmp_path: Path) -> None:
    assert StackFolder(tmp_path / "absent").load() == StackState()


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    home, state = a_home(tmp_path), StackState(ports={"broker": 20_001}, wanted=["broker"])
    home.save(state)
    assert home.load() == state


def test_only_the_owner_may_read_ports_and_passwords(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    home.save(StackState())
    home.secret()
    modes = [
        file.stat().st_mode & 0o077 for file in (home.path / "stack.json", home.data / "secret")
    ]
    assert modes == [0, 0]


def test_no_other_user_may_list_what_the_stack_stores(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        home = a_home(tmp_path)
        (home.data / "broker").mkdir()
        home.create()
    finally:
        os.umask(before)
    modes = [folder.stat().st_mode & 0o066 for folder in (home.path, home.data, home.logs)]
    assert modes == [0, 0, 0]
    assert (home.data / "broker").stat().st_mode & 0o077 == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
@pytest.mark.parametrize("name", [".", "stack.json", "data", "logs", "data/secret"])
def test_another_users_folder_or_state_is_refused_before_anything_is_read_or_made(
    tmp_path: Path, name: str
) -> None:
    home = a_home(tmp_path)
    home.save(StackState(client_env={"KAFKA_BOOTSTRAP_SERVERS": "evil.example:9092"}))
    home.secret()
    os.chown(home.path / name, 65_534, 65_534)
    for work in (home.load, home.create, StackLock(home).acquire):
        with pytest.raises(StackFailedError, match=r"another user .*ONRECORD_HOME"):
            work()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a link to another user")
def test_another_users_link_to_a_folder_of_ones_own_is_refused(tmp_path: Path) -> None:
    mine = a_home(tmp_path).path
    link = tmp_path / ".onrecord"
    link.symlink_to(mine)
    StackFolder(link).check_owner()
    os.chown(link, 65_534, 65_534, follow_symlinks=False)
    for work in (StackFolder(link).load, StackFolder(link).create):
        with pytest.raises(StackFailedError, match=r"\.onrecord belongs to another user"):
            work()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
def test_a_link_to_another_users_folder_is_refused(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    os.chown(theirs, 65_534, 65_534)
    link = tmp_path / ".onrecord"
    link.symlink_to(theirs)
    with pytest.raises(StackFailedError, match="theirs belongs to another user"):
        StackFolder(link).create()
    assert [*theirs.iterdir()] == []


@pytest.mark.parametrize("mode", [0o777, 0o770])
@pytest.mark.parametrize("name", [".", "data"])
def test_a_folder_that_others_may_write_to_is_refused(tmp_path: Path, name: str, mode: int) -> None:
    home = a_home(tmp_path)
    (home.path / name).chmod(mode)
    for work in (home.load, home.create, StackLock(home).acquire):
        with pytest.raises(StackFailedError, match=r"may write to .*chmod go-w"):
            work()


def test_a_damaged_file_is_a_clear_error(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    (home.path / "stack.json").write_text("{", encoding="utf-8")
    with pytest.raises(StackFailedError, match="damaged"):
        home.load()


def test_the_secret_stays_with_the_data_and_goes_with_it(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    secret = home.secret()
    assert home.secret() == secret
    home.purge()
    home.create()
    assert home.secret() != secret


@pytest.mark.parametrize("login", ["", "control"])
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda file: file.write_bytes(b""), "is empty: delete it"),
        (lambda file: file.write_bytes(b"\xff\xfe"), "no text: delete it"),
        (lambda file: file.mkdir(), "cannot use .*directory"),
        (lambda file: file.symlink_to(file), "cannot use .*symbolic links"),
    ],
)
def test_a_password_file_that_cannot_be_used_is_a_clear_error(
    tmp_path: Path, login: str, spoil: Callable[[Path], object], said: str
) -> None:
    home = a_home(tmp_path)
    home.logins.mkdir()
    file = home.logins / login if login else home.secret_file
    spoil(file)
    with pytest.raises(StackFailedError, match=said):
        home.password(login) if login else home.secret()


def test_purging_leaves_what_is_not_the_stacks(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    kept = home.path / "bench"
    kept.mkdir()
    home.purge()
    assert kept.is_dir()
    assert not home.data.exists()


def test_a_log_that_grew_large_is_put_aside(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    with (home.logs / "broker.log").open("wb") as log:
        log.truncate(MAX_LOG_BYTES + 1)
    assert not home.log("broker").exists()
    assert (home.logs / "broker.log.1").exists()


def test_two_commands_cannot_hold_one_stack(tmp_path: Path) -> None:
    first, second = StackLock(StackFolder(tmp_path)), StackLock(StackFolder(tmp_path))
    first.acquire()
    with pytest.raises(StackFailedError, match="another command is at work"):
        second.acquire()
    first.release()
    second.acquire()
    second.release()
