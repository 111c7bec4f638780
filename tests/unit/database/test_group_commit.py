"""Requests that many tasks make at once go to the database in groups, each with its own result."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from database.errors import DatabaseTimeoutError, DatabaseUnavailableError
from database.group_commit import GroupCommitter
from support.waiting import until


class Server:
    """Answers each number with its double, once it is let, and remembers the groups."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.error: Exception | None = None
        self.poison: int | None = None

    async def __call__(self, group: Sequence[int]) -> Sequence[int]:
        self.groups.append(list(group))
        await self.may_answer.wait()
        if self.error is not None:
            raise self.error
        if self.poison in group:
            raise ValueError(self.poison)
        return [2 * one for one in group]


async def started(server: Server, number: int) -> None:
    """Let tasks run until so many groups are at the server."""
    await until(lambda: len(server.groups) >= number)


async def test_what_is_asked_for_at_once_goes_together_and_the_rest_with_the_next() -> None:
    server = Server()
    commit = GroupCommitter(server, most=4)
    server.may_answer.clear()
    first = [asyncio.create_task(commit.submit(one)) for one in (1, 2)]
    await started(server, 1)
    later = [asyncio.create_task(commit.submit(one)) for one in range(3, 10)]
    await asyncio.sleep(0)
    server.may_answer.set()
    assert await asyncio.gather(*first, *later) == [2 * one for one in range(1, 10)]
    assert server.groups == [[1, 2], [3, 4, 5, 6], [7, 8, 9]]


async def test_groups_of_another_key_do_not_wait() -> None:
    server = Server()
    commit = GroupCommitter(server, key=lambda one: one % 2)
    server.may_answer.clear()
    odd = asyncio.create_task(commit.submit(1))
    await started(server, 1)
    even = asyncio.create_task(commit.submit(2))
    await started(server, 2)
    server.may_answer.set()
    assert (await odd, await even) == (2, 4)


async def test_an_error_reaches_only_the_request_that_causes_it() -> None:
    server = Server()
    server.poison = 2
    commit = GroupCommitter(server)
    outcomes = await asyncio.gather(*map(commit.submit, (1, 2, 3)), return_exceptions=True)
    assert outcomes[0] == 2
    assert isinstance(outcomes[1], ValueError)
    assert outcomes[2] == 6


@pytest.mark.parametrize("error", [DatabaseUnavailableError("away"), DatabaseTimeoutError("slow")])
async def test_a_database_that_is_away_is_not_asked_for_each_of_a_group(error: Exception) -> None:
    server = Server()
    server.error = error
    commit = GroupCommitter(server)
    outcomes = await asyncio.gather(*map(commit.submit, (1, 2, 3)), return_exceptions=True)
    assert outcomes == [error] * 3
    assert len(server.groups) == 1
    server.error = None
    assert await commit.submit(4) == 8


async def test_who_gives_up_before_its_group_is_on_its_way_is_left_out() -> None:
    server = Server()
    commit = GroupCommitter(server)
    server.may_answer.clear()
    first = asyncio.create_task(commit.submit(1))
    await started(server, 1)
    second, third = (asyncio.create_task(commit.submit(one)) for one in (2, 3))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.sleep(0)
    server.may_answer.set()
    assert (await first, await third) == (2, 6)
    assert server.groups == [[1], [3]]


async def test_who_gives_up_later_hears_of_it_only_when_the_group_has_ended() -> None:
    server = Server()
    commit = GroupCommitter(server)
    server.may_answer.clear()
    task = asyncio.create_task(commit.submit(1))
    await started(server, 1)
    task.cancel()
    assert not (await asyncio.wait({task}, timeout=0.05))[0], "what is done next comes after it"
    server.may_answer.set()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_lingers_goes_at_once_when_it_is_hurried_or_the_group_is_full() -> None:
    server = Server()
    commit = GroupCommitter(server, linger_s=3600.0, most=3)
    lingering = asyncio.create_task(commit.submit(1))
    await asyncio.sleep(0)
    commit.flush()
    async with asyncio.timeout(5):
        assert await lingering == 2
        assert await asyncio.gather(*map(commit.submit, (2, 3, 4))) == [4, 6, 8]
    assert server.groups == [[1], [2, 3, 4]]


async def test_a_group_is_full_at_one_and_a_larger_request_goes_alone() -> None:
    server = Server()
    commit = GroupCommitter(server, share=lambda one: one / 10)
    server.may_answer.clear()
    tasks = [asyncio.create_task(commit.submit(one)) for one in (3, 7, 1, 40, 4, 5, 6)]
    await started(server, 1)
    server.may_answer.set()
    await asyncio.gather(*tasks)
    assert server.groups == [[3, 7], [1], [40], [4, 5], [6]]
