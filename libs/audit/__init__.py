"""Proves the conservation law from Kafka's offsets and PostgreSQL: nothing lost, nothing twice."""

from audit.proof import run_audit, run_audit_when_idle
from audit.results import AuditResult, MessageCounts, StateCounts

__all__ = ["AuditResult", "MessageCounts", "StateCounts", "run_audit", "run_audit_when_idle"]
