"""Ask a fact-checking model two questions with known answers before it decides about notes.

A wrong format, or an endpoint that ignores the fields that word a model's task, gives answers that
look like any other. Granite Guardian, not told its risk, would look for harm, find none, and so
confirm every note.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace
from typing import Final, TypeVar

from pydantic import BaseModel

from contracts.call_purposes import JUDGE_CONTROL
from judging.fact_check_requests import build_fact_check_request
from model_client import CostAttribution, ModelClient, ModelRequest, ParsedResponse
from model_client.errors import BadOutputError, ModelUnavailableError
from prompts.fact_checking import FactCheckPromptFormat, FactCheckVerdict, SpokenLine

A = TypeVar("A", bound=BaseModel)

_EVIDENCE: Final = (
    SpokenLine("Ann", "When does the shop open?"),
    SpokenLine("Ben", "It opens at nine in the morning, and it is closed on Sundays."),
)
_CLAIMS: Final = {
    "The shop opens at four in the afternoon.": FactCheckVerdict.NOT_SUPPORTED,
    "The shop opens at nine in the morning.": FactCheckVerdict.SUPPORTED,
}


class PretestedModelClient:
    """Client of a fact-checking model, used only after the model passed control questions.

    Args:
        client: calls the model.
        judge_format: the format in which it is asked.
    """

    def __init__(self, client: ModelClient, judge_format: FactCheckPromptFormat) -> None:
        self._client = client
        self._format = judge_format
        self._has_passed = False
        self._lock = asyncio.Lock()

    @property
    def name(self) -> str:
        """The name of the model; of a chain, of the first one."""
        return self._client.name

    @property
    def notice(self) -> str:
        """What keeps the model from being asked now; empty if nothing does."""
        return self._client.notice

    async def check_dependencies(self) -> None:
        """Check that budgets can be asked; as the client does."""
        await self._client.check_dependencies()

    async def ask(
        self,
        request: ModelRequest[A],
        attribution: CostAttribution,
        *,
        deadline: float = float("inf"),
    ) -> ParsedResponse[A]:
        """Return the answer to a request; before the first one, ask the control questions.

        Raises:
            model_client.errors: as the client's ``ask``; ``ModelUnavailableError`` also for a model
                that fails the control, which is asked anew with the next request.
        """
        async with self._lock:  # others wait, as they may not ask before it has passed
            if not self._has_passed:
                await self._control(attribution, deadline)
                self._has_passed = True
        return await self._client.ask(request, attribution, deadline=deadline)

    async def _control(self, attribution: CostAttribution, deadline: float) -> None:
        booked = replace(attribution, purpose=JUDGE_CONTROL)
        for claim, expected in _CLAIMS.items():
            request = build_fact_check_request(self._format, claim, _EVIDENCE)
            # By another attempt each time: what an endpoint answered before its settings changed
            # is no answer to this.
            request = replace(request, attempt=2 + secrets.randbelow(2**30))
            try:
                answer = await self._client.ask(request, booked, deadline=deadline)
            except BadOutputError as error:
                raise ModelUnavailableError(self._explain("no clear answer")) from error
            if answer.value.verdict is not expected:
                raise ModelUnavailableError(self._explain("the wrong answer"))

    def _explain(self, what: str) -> str:
        return (
            f"the judging model gives {what} to a control question: is {self._format.name} "
            "(GUARDRAIL_JUDGE_FORMAT) its format, and does its endpoint use the fields of it?"
        )
