-- Who speaks is shown by name only where it is known that the study does not mask: an interview of
-- which no note is stored yet has no masked quote to tell it by.
CREATE OR REPLACE VIEW shown_speakers AS
SELECT voice.transcript_id, voice.revision,
       CASE WHEN policy.is_open AND NOT cited.is_masked THEN voice.speaker
            ELSE voice.pseudonym
       END AS speaker
  FROM speakers AS voice
  JOIN transcripts AS interview USING (transcript_id, revision)
 CROSS JOIN LATERAL (
        SELECT count(*) > 0 AS is_any, coalesce(bool_or(masked_quote IS NOT NULL), false) AS is_masked
          FROM evidence
         WHERE evidence.transcript_id = voice.transcript_id
           AND evidence.revision = voice.revision
   ) AS cited
 CROSS JOIN LATERAL (
        -- A study that does not say goes by the guardrail's settings, which only its quotes tell.
        SELECT coalesce(interview.study ->> 'personal_data' <> 'mask', cited.is_any) AS is_open
   ) AS policy;

-- An interview that older code stored while this database was migrated has no pseudonyms: its notes
-- are shown all the same, with the role in their place.
CREATE OR REPLACE VIEW shown_evidence AS
SELECT cited.note_id, cited.transcript_id, cited.revision, cited.segment, cited.start_char,
       cited.length, coalesce(cited.masked_quote, cited.quote) AS quote,
       cited.masked_quote IS NOT NULL AS is_masked,
       CASE WHEN cited.masked_quote IS NULL THEN cited.speaker
            ELSE coalesce(voice.pseudonym, cited.role)
       END AS speaker,
       cited.role, cited.start_ms, cited.end_ms
  FROM evidence AS cited
  LEFT JOIN speakers AS voice USING (transcript_id, revision, speaker);
