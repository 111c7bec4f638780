-- name: select_decided_note
-- What the decisions about a note come to, by the id of the note itself, of the one that is shown in its
-- place, or of the one that was decided about first.
SELECT decided.origin_id, decided.visible_note_id AS note_id, decided.study_id, decided.transcript_id,
       decided.version, decided.status, decided.turns_changed,
       note_state(decided.visible_note_id) AS state,
       interview.statements <> 'quotes' AS shows_statements
  FROM decided_notes AS decided
  JOIN transcripts AS interview USING (transcript_id, revision)
 WHERE $1::uuid IN (decided.origin_id, decided.version_note_id, decided.model_note_id)
 ORDER BY decided.version_note_id = $1 DESC, decided.model_note_id = $1 DESC NULLS LAST
 LIMIT 1;

-- name: select_decisions
-- All decisions about a note, in order.
SELECT decision.number, decision.kind, decision.revision, decision.statement, decision.standing,
       decision.themes, decision.questions, decision.remark, decision.is_withheld,
       decision.withdraws, undone.number AS withdrawn_by, decision.decided_by, decision.decided_at
  FROM readable_note_decisions AS decision
  LEFT JOIN note_decisions AS undone
         ON undone.origin_id = decision.origin_id AND undone.withdraws = decision.number
 WHERE decision.origin_id = $1
 ORDER BY decision.number;

-- name: select_decided_notes_page
-- A page of a study's notes that people decided about, the latest first, behind a position; of one
-- status or of all.
SELECT decided.origin_id, decided.visible_note_id AS note_id, decided.transcript_id, interview.title,
       decided.revision, decided.status, decided.turns_changed,
       array_remove(ARRAY[
           CASE WHEN decided.accepted IS NOT NULL THEN 'accepted' END,
           CASE WHEN decided.edited IS NOT NULL THEN 'edited' END,
           CASE WHEN decided.refiled IS NOT NULL THEN 'refiled' END,
           CASE WHEN decided.hidden IS NOT NULL THEN 'hidden' END,
           CASE WHEN cardinality(decided.comments) > 0 THEN 'comment' END
       ], NULL) AS kinds,
       CASE WHEN interview.statements <> 'quotes' THEN latest.statement END AS statement,
       CASE WHEN decided.visible_note_id IS NULL THEN
                ARRAY(
                    SELECT coalesce(cited ->> 'masked_quote', cited ->> 'quote')
                      FROM jsonb_array_elements(latest.evidence) AS cited
                )
            ELSE ARRAY(
                    SELECT cited.quote
                      FROM (
                            SELECT DISTINCT segment, start_char, quote
                              FROM shown_evidence JOIN notes AS one USING (note_id)
                             WHERE decided.visible_note_id IN (one.note_id, one.same_as)
                           ) AS cited
                     ORDER BY cited.segment, cited.start_char
                 )
       END AS quotes,
       latest.decided_by, decided.decided_at
  FROM decided_notes AS decided
  JOIN transcripts AS interview USING (transcript_id, revision)
  JOIN readable_note_decisions AS latest
         ON latest.origin_id = decided.origin_id AND latest.number = decided.version
 WHERE decided.study_id = $1
   AND ($2::text IS NULL OR decided.status = $2)
   AND ($3::timestamptz IS NULL OR (decided.decided_at, decided.origin_id) < ($3, $4::uuid))
 ORDER BY decided.decided_at DESC, decided.origin_id DESC
 LIMIT $5;

-- name: select_note_state
-- What a note says, in which revision and where its quotes stand, as a hash.
SELECT note_state($1);
