"""What servers that speak OpenAI's protocol answer in place of a completion, as documented.

Each with what becomes of the question; the tests write the table in ``docs/model-calls.md`` of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from model_client import errors

LETTER: Final = "dead letter at once"
SPLIT: Final = "asked in halves; a single turn: dead letter at once"
TRIED: Final = "retry topics, then dead letter"
WAITS: Final = "waits as asked, no attempt"
STAGE: Final = "the stage waits until the settings are mended"


@dataclass(frozen=True, slots=True)
class RefusalCase:
    """One row of the table.

    Attributes:
        server: who answers so.
        what: in which case.
        status: the HTTP status; 0: within a stream that began with 200.
        error: the body's ``error``, or what stands in its place.
        means: the error it is classified as.
        follows: what becomes of the message.
        calls: how often one question is asked before it is given up.
        headers: the response's.
        is_bare: whether the body is ``error`` itself.
    """

    server: str
    what: str
    status: int
    error: Any
    means: type[Exception]
    follows: str
    calls: int = 1
    headers: Mapping[str, str] = field(default_factory=dict)
    is_bare: bool = False

    @property
    def name(self) -> str:
        """The row's first cells, which no two rows share."""
        return f"{self.server} | {self.what}"


def _told(message: str, kind: str | None = None, code: Any = None) -> dict[str, Any]:
    return {"message": message, "type": kind, "param": None, "code": code}


_LATER: Final = {"retry-after": "600"}
_DOWN: Final = errors.ModelUnavailableError
_LONG: Final = errors.ContextTooLongError

REFUSALS: Final[Sequence[RefusalCase]] = (
    RefusalCase(
        "OpenAI",
        "question too long",
        400,
        _told(
            "This model's maximum context length is 8192 tokens.",
            "invalid_request_error",
            "context_length_exceeded",
        ),
        _LONG,
        SPLIT,
    ),
    RefusalCase(
        "OpenAI",
        "invalid request",
        400,
        _told("Invalid value: 'x'.", "invalid_request_error", "invalid_value"),
        errors.RequestRefusedError,
        LETTER,
    ),
    RefusalCase(
        "OpenAI",
        "text longer than a message may be",
        400,
        _told("Invalid 'messages[1].content'.", "invalid_request_error", "string_above_max_length"),
        errors.RequestRefusedError,
        LETTER,
    ),
    RefusalCase(
        "OpenAI",
        "usage policy",
        400,
        _told("Invalid prompt: it was flagged.", "invalid_request_error", "invalid_prompt"),
        errors.PromptFilteredError,
        LETTER,
    ),
    RefusalCase(
        "OpenAI",
        "one request beyond the tokens of a minute",
        429,
        _told(
            "Request too large for m on tokens per min (TPM): Limit 30000, Requested 40000.",
            "tokens",
            "rate_limit_exceeded",
        ),
        _LONG,
        SPLIT,
    ),
    RefusalCase(
        "OpenAI",
        "rate limit",
        429,
        _told("Rate limit reached.", "requests", "rate_limit_exceeded"),
        errors.RateLimitWaitTooLongError,
        WAITS,
        headers=_LATER,
    ),
    RefusalCase(
        "OpenAI",
        "quota used up",
        429,
        _told("You exceeded your current quota.", "insufficient_quota", "insufficient_quota"),
        _DOWN,
        STAGE,
    ),
    RefusalCase(
        "OpenAI",
        "billing limit",
        400,
        _told("Billing hard limit has been reached.", None, "billing_hard_limit_reached"),
        _DOWN,
        STAGE,
    ),
    RefusalCase(
        "OpenAI",
        "wrong key",
        401,
        _told("Incorrect API key provided.", "invalid_request_error", "invalid_api_key"),
        _DOWN,
        STAGE,
    ),
    RefusalCase(
        "OpenAI",
        "country not supported",
        403,
        _told("Not supported.", "request_forbidden", "unsupported_country_region_territory"),
        _DOWN,
        STAGE,
    ),
    RefusalCase(
        "OpenAI",
        "unknown model",
        404,
        _told("The model `m` does not exist.", "invalid_request_error", "model_not_found"),
        _DOWN,
        STAGE,
    ),
    RefusalCase(
        "OpenAI",
        "server error",
        500,
        _told("The server had an error.", "server_error"),
        errors.ServerError,
        TRIED,
        calls=3,
    ),
    RefusalCase(
        "OpenAI",
        "overloaded",
        503,
        _told("The engine is currently overloaded.", "server_error"),
        errors.ServerError,
        TRIED,
        calls=3,
    ),
    RefusalCase(
        "Azure",
        "content filter",
        400,
        {
            **_told("The response was filtered.", None, "content_filter"),
            "innererror": {"code": "ResponsibleAIPolicyViolation"},
        },
        errors.PromptFilteredError,
        LETTER,
    ),
    RefusalCase(
        "Azure",
        "unknown deployment",
        404,
        _told("The API deployment for this resource does not exist.", None, "DeploymentNotFound"),
        _DOWN,
        STAGE,
    ),
    RefusalCase(
        "Azure",
        "rate limit",
        429,
        _told("Requests have exceeded the rate limit.", None, "429"),
        errors.RateLimitWaitTooLongError,
        WAITS,
        headers=_LATER,
    ),
    RefusalCase(
        "Azure",
        "gave up waiting",
        408,
        _told("The operation was timeout.", None, "Timeout"),
        errors.ModelTimeoutError,
        TRIED,
        calls=2,
    ),
    RefusalCase(
        "Anthropic",
        "question too long",
        400,
        _told("prompt is too long: 210000 tokens > 200000 maximum", "invalid_request_error"),
        _LONG,
        SPLIT,
    ),
    RefusalCase(
        "Anthropic",
        "request too large",
        413,
        _told("Request exceeds the maximum size", "request_too_large"),
        _LONG,
        SPLIT,
    ),
    RefusalCase(
        "Anthropic",
        "no credit",
        400,
        _told("Your credit balance is too low to access the API.", "invalid_request_error"),
        _DOWN,
        STAGE,
    ),
    RefusalCase(
        "Anthropic",
        "overloaded",
        529,
        _told("Overloaded", "overloaded_error"),
        errors.ServerError,
        TRIED,
        calls=3,
    ),
    RefusalCase(
        "Gemini",
        "question too long",
        400,
        [
            {
                "error": {
                    "code": 400,
                    "message": "The input token count (1200000) exceeds the maximum number of "
                    "tokens allowed (1048576).",
                    "status": "INVALID_ARGUMENT",
                }
            }
        ],
        _LONG,
        SPLIT,
        is_bare=True,
    ),
    RefusalCase(
        "Gemini",
        "wrong key",
        400,
        [
            {
                "error": {
                    "code": 400,
                    "message": "API key not valid. Please pass a valid API key.",
                    "status": "INVALID_ARGUMENT",
                }
            }
        ],
        _DOWN,
        STAGE,
        is_bare=True,
    ),
    RefusalCase(
        "Gemini",
        "overloaded",
        503,
        [{"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}],
        errors.ServerError,
        TRIED,
        calls=3,
        is_bare=True,
    ),
    RefusalCase(
        "Mistral",
        "question too long",
        400,
        {
            "object": "error",
            "message": "Prompt contains 40000 tokens, too large for model with 32768 maximum "
            "context length",
            "type": "invalid_request_prompt",
            "code": "3051",
        },
        _LONG,
        SPLIT,
        is_bare=True,
    ),
    RefusalCase(
        "Mistral",
        "invalid request",
        422,
        {"detail": [{"loc": ["body", "stop"], "msg": "Extra inputs", "input": "x"}]},
        errors.RequestRefusedError,
        LETTER,
        is_bare=True,
    ),
    RefusalCase(
        "Groq",
        "one request beyond the tokens of a minute",
        413,
        _told("Request too large for model `m`.", "tokens", "rate_limit_exceeded"),
        _LONG,
        SPLIT,
    ),
    RefusalCase(
        "Groq",
        "the answer was no JSON",
        400,
        _told("Failed to generate JSON.", "invalid_request_error", "json_validate_failed"),
        errors.BadOutputError,
        TRIED,
    ),
    RefusalCase(
        "Groq",
        "service tier busy",
        498,
        _told("Flex tier capacity exceeded.", None, "capacity_exceeded"),
        errors.ServerError,
        TRIED,
        calls=3,
    ),
    RefusalCase(
        "OpenRouter",
        "no credit",
        402,
        _told("Insufficient credits", None, 402),
        _DOWN,
        STAGE,
    ),
    RefusalCase(
        "OpenRouter",
        "moderation",
        403,
        {"code": 403, "message": "flagged", "metadata": {"reasons": ["x"], "flagged_input": "y"}},
        errors.PromptFilteredError,
        LETTER,
    ),
    RefusalCase(
        "OpenRouter",
        "rate limit within a stream",
        0,
        {"code": 429, "message": "Rate limited upstream"},
        errors.RateLimitedError,
        WAITS,
        calls=2,
    ),
    RefusalCase(
        "vLLM",
        "question too long",
        400,
        _told(
            "This model's maximum context length is 4096 tokens. However, you requested 5000.",
            "BadRequestError",
            400,
        ),
        _LONG,
        SPLIT,
    ),
    RefusalCase(
        "vLLM",
        "question too long, newer wording",
        400,
        _told(
            "The decoder prompt (length 5000) is longer than the maximum model length of 4096.",
            "BadRequestError",
            400,
        ),
        _LONG,
        SPLIT,
    ),
    RefusalCase(
        "vLLM",
        "unknown model",
        404,
        _told("The model `m` does not exist.", "NotFoundError", 404),
        _DOWN,
        STAGE,
    ),
    RefusalCase(
        "vLLM",
        "invalid request within a stream",
        0,
        _told("bad sampling parameters", "BadRequestError", 400),
        errors.RequestRefusedError,
        LETTER,
    ),
    RefusalCase(
        "llama.cpp",
        "question too long",
        400,
        _told("the request exceeds the available context size", "exceed_context_size_error", 400),
        _LONG,
        SPLIT,
    ),
    RefusalCase(
        "llama.cpp",
        "context used up within a stream",
        0,
        _told("Context size has been exceeded.", "server_error", 500),
        _LONG,
        SPLIT,
    ),
    RefusalCase(
        "llama.cpp",
        "loading",
        503,
        _told("Loading model", "unavailable_error", 503),
        errors.ServerError,
        TRIED,
        calls=3,
    ),
    RefusalCase(
        "Ollama",
        "unknown model",
        404,
        _told('model "m" not found, try pulling it first', "api_error"),
        _DOWN,
        STAGE,
    ),
    RefusalCase(
        "Ollama",
        "queue full",
        503,
        _told("server busy, please try again. maximum pending requests exceeded", "api_error"),
        errors.ServerError,
        TRIED,
        calls=3,
    ),
    RefusalCase(
        "LiteLLM",
        "question too long",
        400,
        _told("litellm.ContextWindowExceededError: BadRequestError", None, "400"),
        _LONG,
        SPLIT,
    ),
    RefusalCase(
        "LiteLLM",
        "content filter",
        400,
        _told("litellm.ContentPolicyViolationError: refused", None, "400"),
        errors.PromptFilteredError,
        LETTER,
    ),
    RefusalCase(
        "LiteLLM",
        "unknown model",
        400,
        _told("/chat/completions: Invalid model name passed in model=m.", None, "400"),
        _DOWN,
        STAGE,
    ),
    RefusalCase(
        "LiteLLM",
        "the gateway's budget",
        400,
        _told("Budget has been exceeded! Current cost: 2, Max budget: 1", "budget_exceeded", "400"),
        _DOWN,
        STAGE,
    ),
    RefusalCase(
        "any",
        "method not allowed",
        405,
        _told("Method not allowed"),
        _DOWN,
        STAGE,
    ),
    RefusalCase(
        "any",
        "an error of no known kind within a stream",
        0,
        "went wrong",
        errors.ServerError,
        TRIED,
        calls=3,
    ),
)
