"""Proves the conservation law from Kafka's offsets and PostgreSQL: nothing lost, nothing twice."""

from audit.accounts import Account, Balance, ServiceAccount
from audit.proof import prove, prove_when_settled

__all__ = ["Account", "Balance", "ServiceAccount", "prove", "prove_when_settled"]
