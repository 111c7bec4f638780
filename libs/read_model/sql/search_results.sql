-- name: select_results
-- What some documents are called and say, as their readers see it, with the words found between
-- marks; what is not shown any more is left out.
SELECT document.place, interview.title, shown.text, shown.standing, shown.is_finding, shown.speaker,
       shown.role, shown.start_ms, shown.end_ms, shown.is_masked,
       (
            SELECT mark.decided -> 'edited' ->> 'by' FROM note_marks AS mark
             WHERE document.kind = 'note' AND mark.note_id = document.note_id
       ) AS edited_by,
       ts_headline(
            document.configuration::regconfig, shown.text,
            websearch_to_tsquery(document.configuration::regconfig, $1),
            format('HighlightAll=true, StartSel="<%1$s>", StopSel="</%1$s>"', $2::text)
       ) AS highlighted
  FROM unnest(
        $3::text[], $4::uuid[], $5::int[], $6::uuid[], $7::int[], $8::int[], $9::int[], $10::text[]
       ) WITH ORDINALITY AS document (
            kind, transcript_id, revision, note_id, segment, start_char, length, configuration, place
       )
  JOIN transcripts AS interview USING (transcript_id, revision)
 CROSS JOIN LATERAL (
        SELECT coalesce(note.statement, note.model_reading) AS text, note.standing,
               note.statement IS NOT NULL AS is_finding, NULL AS speaker, NULL AS role,
               NULL::bigint AS start_ms, NULL::bigint AS end_ms, false AS is_masked
          FROM current_notes AS note
         WHERE document.kind = 'note' AND note.note_id = document.note_id
         UNION ALL
        (
            SELECT cited.quote, NULL, NULL, cited.speaker, cited.role, cited.start_ms, cited.end_ms,
                   cited.is_masked
              FROM shown_evidence AS cited
              JOIN notes AS note USING (note_id)
             WHERE document.kind = 'quote'
               AND document.note_id = coalesce(note.same_as, note.note_id)
               AND NOT EXISTS (
                    SELECT FROM left_out_notes AS left_out
                     WHERE left_out.note_id = document.note_id
               )
               AND cited.transcript_id = document.transcript_id
               AND cited.revision = document.revision
               AND cited.segment = document.segment
               AND cited.start_char = document.start_char
               AND cited.length = document.length
             ORDER BY cited.is_masked DESC
             LIMIT 1
        )
         UNION ALL
        SELECT turn.text, NULL, NULL, turn.speaker, turn.role, turn.start_ms, turn.end_ms, false
          FROM segments AS turn
         WHERE document.kind = 'segment'
           AND turn.transcript_id = document.transcript_id
           AND turn.revision = document.revision
           AND turn.number = document.segment
       ) AS shown
 ORDER BY document.place;

-- name: select_quotes
-- The quotes of some notes, as their readers see them.
SELECT note_id, segment, start_char AS start, length, quote, is_masked, speaker, role, start_ms, end_ms
  FROM shown_evidence
 WHERE note_id = ANY ($1::uuid[])
 ORDER BY note_id, segment, start_char;
