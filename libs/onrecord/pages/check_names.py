"""The guardrail's checks in words: what is wrong with a note that did not pass one."""

from __future__ import annotations

from typing import Final

CHECKS: Final = {
    "no_evidence": "cites nothing",
    "unknown_segment": "cites a passage that is not there",
    "quote_not_found": "quotes words that the transcript does not have",
    "no_theme": "is under no theme",
    "unknown_theme": "names a theme that the study does not have",
    "unknown_question": "names a question that the study does not have",
    "no_statement": "is no sentence that states something",
    "carries_instruction": "asks or orders something, or speaks to a model",
    "carries_link": "has a link",
    "carries_code": "has code, markup or a cipher",
    "carries_prompt": "repeats what the model was told to do",
    "rests_on_instruction": "rests on a question or an order, and does not tell it as such",
    "language_differs": "is in another language than the study's notes",
    "interviewer_words": "cites the interviewer",
    "number_not_in_evidence": "has another number than its quotes give for the same thing",
    "number_may_follow": "has a number that its quotes do not have, and that may follow from them",
    "number_rounded": "says “several” or “hundreds” where its quotes say otherwise",
    "rate_differs": "says how often, or how much per week or month, and its quotes say otherwise",
    "negation_mismatch": "says yes where its quotes say no, or no where they say yes",
    "name_not_in_evidence": "names someone or something that its quotes do not name",
    "said_by_another": "names the wrong speaker",
    "order_turned": "turns round what its quotes compare, prefer or tell the way of",
    "roles_swapped": "has one do to the other what its quotes tell the other way round",
    "told_as_fact": "tells as done what its quotes only wish, plan or suppose",
    "relation_differs": "says that people are to each other what its quotes do not say",
    "quoted_words_not_said": "has words in quotation marks that nobody said",
    "quantifier_differs": "says “all”, “some” or “few” where its quotes say otherwise",
    "modality_differs": "tells as certain what its quotes call possible, or the other way round",
    "time_differs": "puts at another time what its quotes tell",
    "tense_differs": "tells as present what its quotes tell as past",
    "opposite_said": "says the opposite of a word of its quotes",
    "content_not_in_evidence": "tells of things that its quotes do not tell of",
    "nothing_in_common": "has no word in common with its quotes",
    "personal_data": "has personal data, which the study does not want",
    "own_words": "has words that its quotes do not have, and nobody has looked at it",
    "not_entailed_by_model": "does not follow from what was said, an entailment model scored",
    "not_entailed": "does not follow from its quotes, a second model said",
    "judges_disagree": "is supported by some of the judging models, and not by others",
    "not_judged": "has no ruling of a judging model, although one was asked",
}
"""By the name that events and dead letters carry; ``guardrail.policy`` knows all there are."""
