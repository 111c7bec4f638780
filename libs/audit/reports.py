"""Audits as reports for the API, and back."""

from __future__ import annotations

from dataclasses import asdict

from audit.facts import SubmissionState
from audit.results import AuditResult, MessageCounts, StateCounts
from contracts.operations import (
    AuditReport,
    AuditStateCounts,
    DeletedRecordCount,
    ServiceMessageCounts,
)


def convert_result_to_report(result: AuditResult) -> AuditReport:
    """Convert an audit's result to the report that the control service's HTTP API returns."""
    return AuditReport(
        balances=result.balances,
        settled=result.is_settled,
        submissions=_account(result.submissions),
        unreadable=_account(result.unreadable),
        chunks=_account(result.chunks),
        services=tuple(ServiceMessageCounts(**asdict(one)) for one in result.services),
        deleted=tuple(
            DeletedRecordCount(service=service, topic=topic, records=number)
            for (service, topic), number in result.deleted.items()
        ),
        missing_topics=result.missing_topics,
    )


def convert_report_to_result(report: AuditReport) -> AuditResult:
    """Convert an audit report of the control service's HTTP API back to the audit's result."""
    return AuditResult(
        submissions=_counts(report.submissions),
        unreadable=_counts(report.unreadable),
        chunks=_counts(report.chunks),
        services=tuple(MessageCounts(**one.model_dump()) for one in report.services),
        deleted={(one.service, one.topic): one.records for one in report.deleted},
        missing_topics=report.missing_topics,
    )


def _account(account: StateCounts) -> AuditStateCounts:
    states = {state.value: number for state, number in account.states.items() if state != "lost"}
    return AuditStateCounts(submitted=account.total, **states, lost=account.lost)


def _counts(account: AuditStateCounts) -> StateCounts:
    numbers = account.model_dump()
    states = {state: numbers[state.value] for state in SubmissionState if state != "lost"}
    states[SubmissionState.LOST] = len(account.lost)
    return StateCounts(account.submitted, states, account.lost)
