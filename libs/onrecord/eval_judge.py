"""``onrecord eval judge``: how far the judging models can be trusted."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer
from pydantic import ValidationError
from rich.table import Table

from configuration.settings_errors import list_settings_errors
from evaluation.grounding.judge_measures import (
    CountedShare,
    JudgeReport,
    JudgeScore,
    VoteCounts,
    measure_judges,
)
from evaluation.grounding.judge_votes import PairJudge, VoteFile, Votes, collect_votes
from evaluation.grounding.model_pair_judge import ModelPairJudge
from evaluation.grounding.pair_verdicts import PairVerdict
from evaluation.grounding.pairs import LabelledPair
from evaluation.grounding.verdicts import derive_standing
from evaluation.intervals import compute_wilson_interval
from evaluation.modes import load_parsers
from grounding.assessment import CheckedNote, check_note
from judging.judges import build_judge
from judging.settings import JudgeSettings, JudgingModel
from model_client import ModelClient, ModelSettings
from onrecord.console import Json, err, out, print_json
from onrecord.errors import FailedError, UsageError
from onrecord.eval_options import ModeOption
from onrecord.eval_pairs import PairsFile, SourceData, read_pairs_file
from onrecord.pages.rendering import format_spend
from prompts.judge import VERSION

PairLimit = Annotated[
    int | None,
    typer.Option(
        "--limit",
        min=1,
        help="Ask about so many pairs, spread evenly over the file.",
        show_default=False,
    ),
]
VotesFile = Annotated[
    Path | None,
    typer.Option(
        "--votes",
        help="Keep each answer here, a JSON object a line; what it has is not asked for again.",
        show_default=False,
    ),
]
AtOnce = Annotated[int, typer.Option(min=1, max=256, help="Passages asked about at the same time.")]

_NO_JUDGE: Final = (
    "no judge is configured: name a model by GUARDRAIL_JUDGE_MODEL, or several in the file of "
    "GUARDRAIL_JUDGE_MODELS, or a drafting model by OPENAI_BASE_URL; one that was trained to check "
    "facts takes GUARDRAIL_JUDGE_FORMAT"
)
_DRAFTING_MODELS: Final = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "ONRECORD_MODELS")
"""Settings of which one is set where there is a model that drafts."""
_TENTHS: Final = 10


def measure_judging_models(  # noqa: PLR0913 - options of a command
    file: PairsFile,
    *,
    data: SourceData = Path("../shared/data"),
    mode: ModeOption = None,
    limit: PairLimit = None,
    votes: VotesFile = None,
    at_once: AtOnce = 8,
    json_output: Json = False,
) -> None:
    """Measure how far judging models agree with labelled pairs, and what they cost.

    Pairs are as in `onrecord eval pairs`. The models are those of `GUARDRAIL_JUDGE_MODEL` or
    `GUARDRAIL_JUDGE_MODELS`, or else the drafting models, which judge where no other is named. Each
    is asked by itself about every pair, whatever the checks say of it, and about all pairs on a
    passage together, as the guardrail asks about a chunk's notes.
    Prints for each its balanced accuracy; the share of true notes, and of false ones, that it
    supports and that it refutes; the share of false ones among those that it supports, also of
    those that the checks leave undecided; its agreement with the labels and with the checks; votes
    by kind; calls, also for each passage, tokens and cost; and how far each two agree. Shares have
    95 % intervals. A question that is not answered supports nothing. Exit code 1 if no question
    was answered, 2 if no judge is configured, 3 if one cannot be reached.

    Examples of use:

        GUARDRAIL_JUDGE_MODEL=gpt-4o-mini onrecord eval judge developed.jsonl --limit 100
        GUARDRAIL_JUDGE_MODELS=judges.yaml onrecord eval judge pairs.jsonl --votes votes.jsonl
        onrecord eval judge pairs.jsonl --json | jq '.judges[].confirmed_false'
    """
    models = _list_models()
    kept = VoteFile(votes)
    pairs = _spread(read_pairs_file(file, data), limit)
    parse = list(load_parsers(mode).values())[-1]
    notes = [(pair, check_note(pair.draft, pair.chunk, parse)) for pair in pairs]
    given = asyncio.run(_ask(models, notes, kept, at_once))
    verdicts = [
        PairVerdict(pair, derive_standing(checked), tuple(one.check for one in checked.failures))
        for pair, checked in notes
    ]
    report = measure_judges(verdicts, given)
    if json_output:
        print_json({"pairs": len(pairs), **report.as_json()})
    else:
        _print_report(report)
    if all(one.votes.no_answer == one.votes.pairs for one in report.scores.values()):
        raise FailedError("no question was answered; the codes above say why")


def _list_models() -> Sequence[JudgingModel]:
    try:
        models = JudgeSettings().list_models()
    except ValidationError as error:
        raise UsageError("; ".join(list_settings_errors(error))) from None
    if models:
        return models
    if not any(os.environ.get(name) for name in _DRAFTING_MODELS):
        raise UsageError(_NO_JUDGE)
    err.print("No judging model is named: measured are the drafting models.", markup=False)
    return [JudgingModel(one, None) for one in ModelSettings().chain]


def _spread(pairs: Sequence[LabelledPair], limit: int | None) -> Sequence[LabelledPair]:
    """Return at most so many pairs, at equal distances, so that every part of a file counts."""
    if limit is None or limit >= len(pairs):
        return pairs
    return [pairs[at * len(pairs) // limit] for at in range(limit)]


async def _ask(
    models: Sequence[JudgingModel],
    notes: Sequence[tuple[LabelledPair, CheckedNote]],
    kept: VoteFile,
    at_once: int,
) -> Votes:
    async with AsyncExitStack() as stack:
        judges = [await _open_judge(one, stack) for one in models]
        total = len(judges) * len(notes)
        with _show_progress(total) as report:
            return await collect_votes(judges, notes, kept, at_once=at_once, report=report)


async def _open_judge(model: JudgingModel, stack: AsyncExitStack) -> PairJudge:
    client = ModelClient(JudgeSettings().model_settings, chain=(model.config,))
    asked = VERSION if model.judge_format is None else model.judge_format.version
    return ModelPairJudge(
        name=f"{model.config.model} ({asked})",
        judge=build_judge(await stack.enter_async_context(client), model.judge_format),
    )


@contextmanager
def _show_progress(total: int) -> Iterator[Callable[[int], None]]:
    """Show how many answers there are: in place on a terminal, else a line each tenth."""
    if err.is_terminal:
        with err.status(f"0 of {total:,} answers") as status:
            yield lambda done: status.update(f"{done:,} of {total:,} answers")
        return

    def report(done: int) -> None:
        if done * _TENTHS // total > (done - 1) * _TENTHS // total:
            err.print(f"{done:,} of {total:,} answers", style="dim", markup=False)

    yield report


def _print_report(report: JudgeReport) -> None:
    for name, score in report.scores.items():
        _print_score(name, score)
    if report.agreements:
        table = Table(box=None, title="between judges", title_justify="left")
        for column in ("", "", "say the same", "95 % interval", "of", "kappa"):
            table.add_column(column)
        for one in report.agreements:
            kappa = "" if one.kappa is None else f"{one.kappa:.2f}"
            table.add_row(*one.judges, *_list_share_cells(one.agreed), kappa)
        out.print(table)


def _print_score(name: str, score: JudgeScore) -> None:
    out.print(f"{name}: balanced accuracy {score.balanced_accuracy:.3f}", markup=False)
    table = Table(box=None)
    for column in ("", "share", "95 % interval", "of"):
        table.add_column(column)
    for row, share in (
        ("true notes that it supports", score.true_confirmed),
        ("false notes that it supports", score.false_confirmed),
        ("what it supports that is false", score.confirmed_false),
        ("the same, where the checks leave it undecided", score.undecided_confirmed_false),
        ("true notes that it refutes", score.true_refuted),
        ("false notes that it refutes", score.false_refuted),
        ("says what the labels say, where it answers", score.with_labels),
        ("says what the checks say, where they decide", score.with_checks),
    ):
        table.add_row(row, *_list_share_cells(share))
    out.print(table)
    out.print(_build_votes_table(score.votes, score.by_kind))
    answered = score.votes.pairs - score.votes.no_answer
    spend = format_spend(score.cost_usd, unpriced=0)
    out.print(
        f"{score.calls:,} calls ({score.cached:,} answered before), "
        f"{score.calls_per_passage:.2f} for each of {score.passages:,} passages, "
        f"{score.tokens:,} tokens, cost in dollars: {spend}; {answered:,} of "
        f"{score.votes.pairs:,} answered",
        markup=False,
    )
    for code, count in score.errors.items():
        out.print(f"not answered: {count:,} {code}", markup=False)
    out.print()


def _list_share_cells(share: CountedShare) -> tuple[str, str, str]:
    low, high = compute_wilson_interval(share.part, share.whole)
    shown = f"{share.share:.3f}" if share.whole else ""
    return shown, f"{low:.3f} to {high:.3f}", f"{share.part:,} of {share.whole:,}"


def _build_votes_table(all_votes: VoteCounts, by_kind: Mapping[str, VoteCounts]) -> Table:
    table = Table(box=None)
    for column in ("kind", "pairs", "supported", "refuted", "not supported", "no answer"):
        table.add_column(column)
    for kind, one in {"all": all_votes, **by_kind}.items():
        counts = (
            *(one.pairs, one.supported, one.contradicted),
            *(one.not_supported, one.no_answer),
        )
        table.add_row(kind, *(f"{count:,}" for count in counts))
    return table
