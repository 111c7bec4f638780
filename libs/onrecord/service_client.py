"""A service's own port, as operators' commands call it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

import httpx2

from onrecord.control_transport import read_problem_detail
from onrecord.errors import FailedError, UnreachableError, UsageError

_TIMEOUT_S: Final = 10.0


async def resume_service(service: str, url: str, token: str) -> None:
    """Send a service the HTTP request to resume after it has stopped itself.

    Args:
        service: its name.
        url: where it answers, without a slash at the end.
        token: the operators' token.

    Raises:
        UsageError: the address is none, or the token is refused.
        FailedError: the service consumes nothing now.
        UnreachableError: it does not answer.
    """
    headers = {"Authorization": f"Bearer {token}"}
    try:
        # The service is asked itself, whatever proxy the environment names for other addresses.
        async with httpx2.AsyncClient(trust_env=False, timeout=_TIMEOUT_S) as client:
            answer = await client.post(f"{url}/resume", headers=headers)
    except (
        *(httpx2.InvalidURL, httpx2.UnsupportedProtocol, httpx2.LocalProtocolError, ValueError),
    ) as error:
        raise UsageError(
            f"{url} is no address of a service, or the token cannot be sent"
        ) from error
    except (httpx2.RequestError, OSError) as error:
        raise UnreachableError(f"{service} does not answer at {url}") from error
    if answer.status_code == HTTPStatus.OK:
        return
    detail = read_problem_detail(answer) or f"{service} answered {answer.status_code}"
    if answer.status_code == HTTPStatus.CONFLICT:
        raise FailedError(detail)
    raise UsageError(detail)
