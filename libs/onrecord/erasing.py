"""Erasures over control's HTTP API, and the verification of their receipts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import ValidationError

from contracts.erasures import (
    EraseRequest,
    Erasure,
    ErasureKey,
    ErasurePage,
    ErasurePlan,
    ErasureReceipt,
    ErasureState,
    SignedErasureReceipt,
)
from onrecord.control_client import ControlClient
from onrecord.errors import FailedError, UsageError

PATH: Final = "/v1/erasures"

POLL_S: Final = 1.0
"""Seconds between two looks at how far an erasure is."""

MAX_RECEIPT_BYTES: Final = 16 * 1024 * 1024
"""Bytes of a receipt's file; one of 10,000 interviews has 2 MB."""


async def plan_erasure(control: ControlClient, wanted: EraseRequest) -> ErasurePlan:
    """Return what a request would erase."""
    body = wanted.model_copy(update={"dry_run": True}).model_dump(mode="json")
    return await control.send("POST", PATH, ErasurePlan, json=body)


async def begin_erasure(control: ControlClient, wanted: EraseRequest) -> Erasure:
    """Begin an erasure; a request that has to be sent again begins no second one."""
    headers = {"Idempotency-Key": str(uuid4())}
    body = wanted.model_dump(mode="json")
    return await control.send("POST", PATH, Erasure, json=body, headers=headers)


async def wait_for_erasure(
    control: ControlClient, begun: Erasure, show: Callable[[Erasure], None], within_s: float
) -> Erasure:
    """Wait until an erasure is complete, or until the time is over.

    Args:
        control: the API.
        begun: the erasure.
        show: is called with each state that differs from the one before.
        within_s: longest wait, in seconds.
    """
    until = asyncio.get_running_loop().time() + within_s
    found, shown = begun, None
    while True:
        if found != shown:
            show(found)
            shown = found
        is_over = asyncio.get_running_loop().time() > until
        if found.state is ErasureState.COMPLETE or is_over:
            return found
        await asyncio.sleep(POLL_S)
        found = await find_erasure(control, begun.erasure_id)


async def find_erasure(control: ControlClient, erasure_id: UUID) -> Erasure:
    """Return how far an erasure is."""
    return await control.get(f"{PATH}/{erasure_id}", Erasure)


async def list_erasures(control: ControlClient, study_id: str | None, limit: int) -> list[Erasure]:
    """Return erasures, the latest first, at most so many."""
    params = {"study_id": study_id}
    found: list[Erasure] = []
    async for page in control.pages(PATH, ErasurePage, params, most=limit):
        found.extend(page.erasures)
    return found[:limit]


async def read_receipt(control: ControlClient, erasure_id: UUID) -> SignedErasureReceipt:
    """Return the signed receipt of a complete erasure."""
    return await control.get(f"{PATH}/{erasure_id}/receipt", SignedErasureReceipt)


async def read_key(control: ControlClient) -> bytes:
    """Return the public key by which the system's receipts are verified."""
    return (await control.get(f"{PATH}/key", ErasureKey)).public_key


def load_receipt(path: Path) -> SignedErasureReceipt:
    """Read a receipt's file.

    Raises:
        UsageError: it cannot be read, or is no receipt.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_RECEIPT_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    if len(content) > MAX_RECEIPT_BYTES:
        raise UsageError(f"{path}: is larger than any receipt")
    try:
        return SignedErasureReceipt.model_validate_json(content)
    except ValidationError as error:
        raise UsageError(
            f"{path}: is no receipt: `onrecord erase receipt ID --output FILE` writes one"
        ) from error


def verify_receipt(signed: SignedErasureReceipt, key: bytes) -> ErasureReceipt:
    """Return what a receipt says, once its signature is verified.

    Args:
        signed: the receipt.
        key: the public key of the system that is said to have signed it, 32 bytes.

    Raises:
        FailedError: the signature is not of this text by this key.
        UsageError: the key is none.
    """
    try:
        public = Ed25519PublicKey.from_public_bytes(key)
    except ValueError as error:
        raise UsageError("the key is no Ed25519 public key of 32 bytes in base64") from error
    try:
        public.verify(signed.signature, signed.receipt.encode())
        return ErasureReceipt.model_validate_json(signed.receipt)
    except (InvalidSignature, ValidationError) as error:
        raise FailedError(
            "the signature is not this text's by this key: the receipt was changed, or another "
            "system signed it"
        ) from error
