-- Lists of speakers name nobody whom notes do not name. A study that does not say what becomes of
-- personal data goes by the guardrail's settings, which only its quotes tell: of such a study, a
-- speaker's label is shown only where it stands beside an unmasked quote already.
CREATE OR REPLACE VIEW shown_speakers AS
SELECT voice.transcript_id, voice.revision,
       CASE WHEN policy.is_open THEN voice.speaker ELSE voice.pseudonym END AS speaker
  FROM speakers AS voice
  JOIN transcripts AS interview USING (transcript_id, revision)
 CROSS JOIN LATERAL (
        SELECT coalesce(bool_or(speaker = voice.speaker), false) AS is_named,
               coalesce(bool_or(masked_quote IS NOT NULL), false) AS is_masked
          FROM evidence
         WHERE evidence.transcript_id = voice.transcript_id
           AND evidence.revision = voice.revision
   ) AS cited
 CROSS JOIN LATERAL (
        SELECT coalesce(interview.study ->> 'personal_data' = 'allow', cited.is_named)
               AND NOT cited.is_masked AS is_open
   ) AS policy;
