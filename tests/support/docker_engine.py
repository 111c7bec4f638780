"""The Docker engine for tests: its availability, the images, and cleanup after killed runs.

Everything of a test run bears the run's label. What a run leaves behind however it ends is removed
when it exits or, after a kill -9, at the start of the next run.

testcontainers' own reaper ("ryuk") is not used anywhere: its image would be one more to have where
no registry can be reached, and it publishes a port on every address of the machine.
"""

from __future__ import annotations

import atexit
import gc
import os
import socket
import warnings
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import Any, Final

from local_stack.probes import LOOPBACK
from local_stack.processes import get_process_start_time

RUN_LABEL: Final = "onrecord.tests.run"


class NoContainersError(Exception):
    """Tests cannot run in containers; the message says why and what to do."""


def engine_answers() -> bool:
    """Return whether a Docker engine answers.

    Raises:
        NoContainersError: nothing here can ask one.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # it leaves open what it cannot connect
        answers = _pings()
        gc.collect()
    return answers


def prepare(images: Iterable[str]) -> None:
    """Remove what killed runs have left, and make the images available.

    Raises:
        NoContainersError: no engine answers, or an image is neither here nor can be pulled.
    """
    if not engine_answers():
        raise NoContainersError(
            "no Docker engine answers; `make engine` starts one, `--stack=embedded` needs none"
        )
    _remove(lambda run: run != this_run() and _is_over(run))
    for image in images:
        _have(image)


def _pings() -> bool:
    errors = _docker_errors()
    try:
        return bool(engine().ping())
    except (errors.DockerException, OSError):
        return False


def _have(image: str) -> None:
    docker, errors = engine(), _docker_errors()
    try:
        docker.images.get(image)
    except errors.ImageNotFound:
        try:
            docker.images.pull(image)
        except (errors.DockerException, OSError) as error:
            raise NoContainersError(
                f"the image {image} is not here and cannot be pulled; `make images` makes it, "
                "`--stack=embedded` does without"
            ) from error


def _remove(which: Callable[[str], bool]) -> None:
    """Remove the containers and networks of the runs that ``which`` selects.

    Another run may be clearing away as well; what is refused for that stays for the next one.
    """
    docker, errors = engine(), _docker_errors()
    by_label = {"label": RUN_LABEL}
    for container in docker.containers.list(all=True, filters=by_label, ignore_removed=True):
        if which(container.labels[RUN_LABEL]):
            with suppress(errors.APIError):
                container.remove(force=True, v=True)
    for network in docker.networks.list(filters=by_label):
        if which(network.attrs["Labels"][RUN_LABEL]):
            with suppress(errors.APIError):
                network.remove()


def this_run() -> str:
    """Return the label of this run: machine, process id and start time."""
    return f"{socket.gethostname()} {os.getpid()} {get_process_start_time(os.getpid())}"


def _is_over(run: str) -> bool:
    """Return whether a run on this machine has ended; runs of other machines count as going on."""
    host, pid, born = run.split(" ", 2)
    return host == socket.gethostname() and get_process_start_time(int(pid)) != born


@cache
def network() -> Any:
    """Return this run's network; its containers and itself are removed when this process exits."""
    atexit.register(_remove, lambda run: run == this_run())
    settings = {"labels": {RUN_LABEL: this_run()}}
    return load("testcontainers.core.network").Network(docker_network_kw=settings).create()


@cache
def engine() -> Any:
    """Return a client of the engine, from the package docker."""
    return load("testcontainers.core.docker_client").DockerClient().client


def _docker_errors() -> Any:
    return load("docker.errors")


def load(module: str) -> Any:
    """Import a module that only container runs need, as importing it takes a while."""
    os.environ["TESTCONTAINERS_RYUK_DISABLED"] = "true"
    os.environ.setdefault("TESTCONTAINERS_HOST_OVERRIDE", LOOPBACK)
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise NoContainersError(
            "testcontainers is not installed; `make setup` installs it, "
            "`--stack=embedded` does without"
        ) from error
