-- name: onrecord_ingestion
-- Looks up studies, registers those that come with submissions, and records whose a transcript is.
GRANT SELECT, INSERT ON studies, study_versions TO onrecord_ingestion;
GRANT SELECT, INSERT, UPDATE (producer, revision) ON transcript_owners TO onrecord_ingestion;
GRANT SELECT (transcript_id, revision, study_id, withdrawn_at) ON transcripts TO onrecord_ingestion;
GRANT SELECT ON withdrawn_revisions TO onrecord_ingestion;
GRANT SELECT ON submitter_secret TO onrecord_ingestion;
GRANT SELECT (refreshes) ON transcripts TO onrecord_ingestion;
GRANT SELECT (transcript_id, revision) ON refreshes TO onrecord_ingestion;
GRANT SELECT (transcript_id, revision) ON corrections TO onrecord_ingestion;
GRANT EXECUTE ON FUNCTION claim_transcript, select_refreshed, select_refreshed_segments,
    select_corrected, select_corrected_segments TO onrecord_ingestion;
GRANT EXECUTE ON FUNCTION is_erased TO onrecord_ingestion;
GRANT INSERT ON service_starts TO onrecord_ingestion;

-- name: onrecord_persistence
-- Stores interviews and notes; of what is stored it changes what it has to and deletes what waited.
GRANT SELECT, INSERT ON transcripts, segments, chunks, drafts, notes, evidence, rejected_notes,
    pending_drafts TO onrecord_persistence;
GRANT INSERT ON speakers, reading_reports, note_themes, note_questions, settlement_checks
    TO onrecord_persistence;
GRANT UPDATE (
    stored_at, attempt, model, model_fingerprint, prompt_version, input_tokens, output_tokens
) ON chunks TO onrecord_persistence;
GRANT UPDATE (final, stored_at, waited) ON drafts TO onrecord_persistence;
GRANT UPDATE (meaning) ON notes TO onrecord_persistence;
GRANT UPDATE (received_at) ON pending_drafts TO onrecord_persistence;
GRANT DELETE ON pending_drafts, rejected_notes TO onrecord_persistence;
GRANT EXECUTE ON FUNCTION withdrawal_lock, note_decision_lock TO onrecord_persistence;
GRANT INSERT ON service_starts TO onrecord_persistence;

-- name: onrecord_control
-- Indexes letters and submissions, decides outcomes, and knows who may ask for what; shows costs, sets
-- budgets and clears cached responses for operators. It reads no text of an interview or a note; to
-- serve notes, control's login is an evidence reader too. The words that people search it reads for
-- them, as lexemes.
GRANT SELECT, INSERT, UPDATE ON dead_letters, submissions, settlements TO onrecord_control;
GRANT DELETE ON dead_letters, letter_edits TO onrecord_control;
GRANT SELECT, INSERT, DELETE ON settlement_checks TO onrecord_control;
GRANT SELECT (
    transcript_id, revision, study_id, content_sha256, statements, withdrawn_at, refreshes,
    is_pending, study, chunk_count
), UPDATE (withdrawn_at) ON transcripts TO onrecord_control;
GRANT SELECT (transcript_id, revision, study_id, refreshes, study, chunk_count)
    ON current_transcripts TO onrecord_control;
GRANT SELECT, UPDATE (published_at) ON refreshes TO onrecord_control;
GRANT SELECT ON live_refreshes TO onrecord_control;
GRANT SELECT (transcript_id, revision, title, base_revision, study_id, published_at),
    UPDATE (published_at) ON corrections TO onrecord_control;
GRANT EXECUTE ON FUNCTION claim_refresh, claim_correction TO onrecord_control;
GRANT SELECT ON search_documents, search_configurations TO onrecord_control;
GRANT SELECT, INSERT, UPDATE (model, embedding) ON search_embeddings TO onrecord_control;
GRANT SELECT, INSERT, DELETE ON withdrawn_revisions TO onrecord_control;
GRANT SELECT, INSERT, UPDATE (producer, revision) ON transcript_owners TO onrecord_control;
GRANT EXECUTE ON FUNCTION withdrawal_lock, withdraw_revision, restore_revision,
    is_known_revision TO onrecord_control;
GRANT SELECT (chunk_id, transcript_id, revision, index, stored_at) ON chunks TO onrecord_control;
GRANT SELECT (transcript_id, revision, same_as, version_of) ON notes TO onrecord_control;
GRANT EXECUTE ON FUNCTION decide_note TO onrecord_control;
GRANT SELECT (chunk_id) ON rejected_notes TO onrecord_control;
GRANT SELECT, INSERT ON access_tokens TO onrecord_control;
GRANT SELECT, INSERT (actor, token_id, action, target, study_id, reason, address) ON trail
    TO onrecord_control;
GRANT SELECT (entry_id, outcome, status), INSERT (entry_id, outcome, status) ON trail_outcomes
    TO onrecord_control;
GRANT UPDATE (last_used_at, revoked_at) ON access_tokens TO onrecord_control;
GRANT SELECT, INSERT, DELETE, UPDATE (
    claim_id, started_at, locked_until, status, media_type, body
) ON idempotent_requests TO onrecord_control;
GRANT SELECT, INSERT ON control_secrets TO onrecord_control;
GRANT SELECT, DELETE ON changes TO onrecord_control;
GRANT SELECT, INSERT, DELETE ON sessions TO onrecord_control;
GRANT UPDATE (last_used_at, ended_at) ON sessions TO onrecord_control;
GRANT SELECT, INSERT, UPDATE ON studies TO onrecord_control;
GRANT SELECT, INSERT ON study_versions TO onrecord_control;
GRANT SELECT (
    chunk_id, final, transcript_id, source_topic, source_partition, source_offset, received_at
) ON pending_drafts TO onrecord_control;
GRANT SELECT (chunk_id, stored_at) ON drafts TO onrecord_control;
GRANT SELECT ON llm_calls, llm_spending TO onrecord_control;
GRANT SELECT, INSERT, UPDATE, DELETE ON llm_budgets TO onrecord_control;
GRANT SELECT (
    model, fingerprint, prompt_version, input_tokens, cached_tokens, output_tokens, cost_usd, bytes,
    hits, created_at, last_used_at
) ON llm_answers TO onrecord_control;
GRANT DELETE ON llm_answers TO onrecord_control;
GRANT SELECT ON letter_causes TO onrecord_control;
GRANT UPDATE (assignee, remark, muted_until, version) ON letter_causes TO onrecord_control;
GRANT SELECT, INSERT, UPDATE, DELETE ON letter_cause_counts TO onrecord_control;
GRANT SELECT, INSERT, DELETE, UPDATE (
    is_enabled, version, evaluated_at, fired_at, replayed
) ON letter_rules TO onrecord_control;
GRANT SELECT, INSERT ON letter_discards, letter_edits TO onrecord_control;
GRANT SELECT, INSERT, UPDATE (replayed_at), DELETE ON letter_rule_replays TO onrecord_control;
GRANT SELECT, INSERT, UPDATE, DELETE ON replay_plans TO onrecord_control;
GRANT SELECT, INSERT ON replay_plan_batches TO onrecord_control;
GRANT SELECT, INSERT, DELETE ON replay_plan_counts TO onrecord_control;
GRANT SELECT, DELETE ON awaited_replays TO onrecord_control;
GRANT SELECT, DELETE ON llm_plan_spending TO onrecord_control;
GRANT SELECT, INSERT, UPDATE, DELETE ON rehearsals TO onrecord_control;
GRANT SELECT, INSERT, UPDATE ON rehearsed_letters TO onrecord_control;
GRANT EXECUTE ON FUNCTION llm_day_name, llm_study_day_name, llm_lost_after, letter_cause_id,
    letter_cause_summary, letter_matches, shown_letter_state, delete_empty_causes TO onrecord_control;
GRANT SELECT, INSERT, UPDATE (rows_deleted_at, topic_ends, completed_at, receipt, signature)
    ON erasures TO onrecord_control;
GRANT SELECT, INSERT ON erased_transcripts TO onrecord_control;
GRANT SELECT ON erased_subjects, llm_answer_subjects TO onrecord_control;
GRANT DELETE ON ids_being_erased TO onrecord_control;
GRANT SELECT (erasure_id) ON ids_being_erased TO onrecord_control;
GRANT EXECUTE ON FUNCTION erase_transcript, erase_letters, erase_mentions, erase_later_answers,
    is_erased, select_interviews_of_participant, select_titles_to_erase, tables_with_words,
    analyze_what_was_erased TO onrecord_control;
GRANT SELECT, INSERT, UPDATE ON retention_rounds TO onrecord_control;
GRANT EXECUTE ON FUNCTION preview_retention, begin_retention_erasure, expire_notes, expire_drafts,
    expire_answers, clear_trail, clear_trail_of_no_study TO onrecord_control;
GRANT SELECT, INSERT, DELETE ON service_starts TO onrecord_control;
GRANT SELECT, UPDATE (read_until, last_id) ON drift_positions TO onrecord_control;
GRANT SELECT, INSERT, UPDATE, DELETE ON drift_series, drift_alarms TO onrecord_control;
GRANT SELECT (
    chunk_id, attempt, model, model_fingerprint, prompt_version, output_tokens
) ON drafts TO onrecord_control;
GRANT SELECT (chunk_id, attempt, standing) ON notes TO onrecord_control;
GRANT SELECT (attempt) ON rejected_notes TO onrecord_control;
GRANT SELECT (first_segment, last_segment) ON chunks TO onrecord_control;
GRANT SELECT (format) ON transcripts TO onrecord_control;

-- name: onrecord_enrichment
-- Asks models: their cached responses, the ledger of calls, and the budgets.
GRANT SELECT, INSERT, UPDATE, DELETE ON llm_answers, llm_claims, llm_calls TO onrecord_enrichment;
GRANT SELECT, INSERT, UPDATE ON llm_fingerprints, llm_spending, llm_budgets TO onrecord_enrichment;
GRANT SELECT, INSERT, DELETE ON llm_plan_spending TO onrecord_enrichment;
GRANT SELECT (study_id, daily_budget_usd, is_self_registered) ON studies TO onrecord_enrichment;
GRANT EXECUTE ON FUNCTION llm_day_name, llm_study_day_name, llm_lost_after, book_llm_spending,
    reserve_llm_spending, reserve_study_spending, book_call_spending, reserve_call_spending,
    reserve_paid_call TO onrecord_enrichment;
GRANT SELECT, INSERT, DELETE ON llm_answer_subjects TO onrecord_enrichment;
GRANT EXECUTE ON FUNCTION is_erased TO onrecord_enrichment;
GRANT INSERT ON service_starts TO onrecord_enrichment;

-- name: onrecord_guardrail
-- Asks models that judge notes: the same.
GRANT SELECT, INSERT, UPDATE, DELETE ON llm_answers, llm_claims, llm_calls TO onrecord_guardrail;
GRANT SELECT, INSERT, UPDATE ON llm_fingerprints, llm_spending, llm_budgets TO onrecord_guardrail;
GRANT SELECT, INSERT, DELETE ON llm_plan_spending TO onrecord_guardrail;
GRANT SELECT (study_id, daily_budget_usd, is_self_registered) ON studies TO onrecord_guardrail;
GRANT EXECUTE ON FUNCTION llm_day_name, llm_study_day_name, llm_lost_after, book_llm_spending,
    reserve_llm_spending, reserve_study_spending, book_call_spending, reserve_call_spending,
    reserve_paid_call TO onrecord_guardrail;
GRANT SELECT, INSERT, DELETE ON llm_answer_subjects TO onrecord_guardrail;
GRANT EXECUTE ON FUNCTION is_erased TO onrecord_guardrail;
GRANT INSERT ON service_starts TO onrecord_guardrail;

-- name: onrecord_reader
-- Reads notes as their study shows them, with masked evidence.
GRANT SELECT ON transcripts, current_transcripts, withdrawn_revisions, refreshes, chunks, drafts, note_themes,
    note_questions, current_notes, all_current_notes, left_out_notes, left_out_earlier_notes, note_marks, shown_evidence, shown_speakers, submissions, studies,
    study_versions TO onrecord_reader;
GRANT SELECT (transcript_id, revision) ON corrections TO onrecord_reader;
GRANT SELECT (
    note_id, chunk_id, transcript_id, revision, study_id, position, created_at, attempt, flags,
    same_as, standing, vouchers, version_of
) ON notes TO onrecord_reader;
GRANT SELECT (
    letter_id, subject, state, service, source_topic, source_partition, source_offset, revision,
    content_sha256, source_sent_at, indexed_at, displaced_at
) ON dead_letters TO onrecord_reader;

-- name: onrecord_evidence_reader
-- Reads exact words and names too, and refused notes.
GRANT SELECT ON notes, evidence, exact_evidence, exact_speakers, speakers, segments, reading_reports,
    rejected_notes, note_decisions, decided_notes, readable_note_decisions TO onrecord_evidence_reader;
GRANT EXECUTE ON FUNCTION note_state TO onrecord_evidence_reader;

-- name: onrecord_operator
-- Audits, reads costs, sets budgets and clears cached responses; reads no text.
GRANT SELECT (
    transcript_id, revision, study_id, content_sha256, withdrawn_at, refreshes, is_pending
) ON transcripts TO onrecord_operator;
GRANT SELECT (chunk_id, transcript_id, revision, index, stored_at) ON chunks TO onrecord_operator;
GRANT SELECT (chunk_id, transcript_id, source_topic, source_partition, source_offset)
    ON pending_drafts TO onrecord_operator;
GRANT SELECT ON submissions TO onrecord_operator;
GRANT SELECT (transcript_id) ON erased_transcripts TO onrecord_operator;
GRANT SELECT (
    letter_id, service, dlq_topic, dlq_partition, dlq_offset, source_topic, source_partition,
    source_offset, source_sent_at, subject, state, revision, content_sha256
) ON dead_letters TO onrecord_operator;
GRANT SELECT ON llm_calls, llm_spending TO onrecord_operator;
GRANT SELECT, INSERT, UPDATE, DELETE ON llm_budgets TO onrecord_operator;
GRANT SELECT (
    model, fingerprint, prompt_version, input_tokens, cached_tokens, output_tokens, cost_usd, bytes,
    hits, created_at, last_used_at
) ON llm_answers TO onrecord_operator;
GRANT DELETE ON llm_answers TO onrecord_operator;
GRANT SELECT (study_id, daily_budget_usd, is_self_registered) ON studies TO onrecord_operator;
GRANT EXECUTE ON FUNCTION llm_day_name, llm_lost_after TO onrecord_operator;

-- name: onrecord_bi_reader
-- Reads what a BI tool shows of studies, as readers see it, in the documented views and nowhere else.
GRANT USAGE ON SCHEMA onrecord_v1 TO onrecord_bi_reader;
GRANT SELECT ON onrecord_v1.studies, onrecord_v1.interviews, onrecord_v1.interview_revisions,
    onrecord_v1.segments, onrecord_v1.notes, onrecord_v1.earlier_notes, onrecord_v1.evidence,
    onrecord_v1.note_themes, onrecord_v1.note_questions, onrecord_v1.standings,
    onrecord_v1.rejections, onrecord_v1.coverage TO onrecord_bi_reader;

-- name: onrecord_bi_operator
-- Reads what a BI tool shows operators: spending, and numbers of dead letters.
GRANT USAGE ON SCHEMA onrecord_v1 TO onrecord_bi_operator;
GRANT SELECT ON onrecord_v1.spending, onrecord_v1.dead_letters TO onrecord_bi_operator;
GRANT EXECUTE ON FUNCTION llm_lost_after, shown_letter_state TO onrecord_bi_operator;

-- name: everybody
-- Looks up which studies somebody reads themselves, as the policies of tables do.
GRANT SELECT ON readable_studies TO PUBLIC;
GRANT EXECUTE ON FUNCTION reads_every_study TO PUBLIC;
