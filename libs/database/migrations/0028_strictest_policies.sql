-- After a study was tightened, what older revisions have in clear is shown no more: the strictest policy
-- of the revision, of the current one and of the registered study counts. What is current is shown as
-- it was checked.

-- As in 0008. Policies on personal data by their strictness: allow, the guardrail's settings, mask,
-- reject.
CREATE OR REPLACE VIEW shown_evidence AS
SELECT cited.note_id, cited.transcript_id, cited.revision, cited.segment, cited.start_char,
       cited.length, coalesce(cited.masked_quote, cited.quote) AS quote,
       cited.masked_quote IS NOT NULL AS is_masked,
       CASE WHEN cited.masked_quote IS NULL THEN cited.speaker
            ELSE coalesce(voice.pseudonym, cited.role)
       END AS speaker,
       cited.role, cited.start_ms, cited.end_ms
  FROM evidence AS cited
  LEFT JOIN speakers AS voice USING (transcript_id, revision, speaker)
 WHERE cited.masked_quote IS NOT NULL
    OR (
        SELECT own.revision IS NOT DISTINCT FROM newest.revision
               OR array_position(ARRAY['allow', '', 'mask', 'reject'],
                                 coalesce(own.study ->> 'personal_data', ''))
                  >= coalesce(greatest(
                        array_position(ARRAY['allow', '', 'mask', 'reject'], newest.policy),
                        array_position(ARRAY['allow', '', 'mask', 'reject'], registered.policy)
                     ), 1)
          FROM transcripts AS own
          LEFT JOIN LATERAL (
                SELECT current.revision, coalesce(current.study ->> 'personal_data', '') AS policy
                  FROM transcripts AS current
                 WHERE current.transcript_id = own.transcript_id
                   AND current.withdrawn_at IS NULL AND NOT current.is_pending
                 ORDER BY coalesce(current.refreshes, current.revision) DESC, current.revision DESC
                 LIMIT 1
               ) AS newest ON true
          LEFT JOIN LATERAL (
                SELECT coalesce(study.personal_data, '') AS policy
                  FROM studies AS study
                 WHERE study.study_id = own.study_id
               ) AS registered ON true
         WHERE own.transcript_id = cited.transcript_id AND own.revision = cited.revision
       );

-- As in 0021, likewise.
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
  LEFT JOIN LATERAL (
        SELECT current.revision, coalesce(current.study ->> 'personal_data', '') AS policy
          FROM transcripts AS current
         WHERE current.transcript_id = interview.transcript_id
           AND current.withdrawn_at IS NULL AND NOT current.is_pending
         ORDER BY coalesce(current.refreshes, current.revision) DESC, current.revision DESC
         LIMIT 1
   ) AS newest ON true
  LEFT JOIN LATERAL (
        SELECT coalesce(study.personal_data, '') AS policy
          FROM studies AS study
         WHERE study.study_id = interview.study_id
   ) AS registered ON true
 CROSS JOIN LATERAL (
        SELECT array_position(ARRAY['allow', '', 'mask', 'reject'],
                              coalesce(interview.study ->> 'personal_data', '')) AS own,
               coalesce(greatest(
                   array_position(ARRAY['allow', '', 'mask', 'reject'], newest.policy),
                   array_position(ARRAY['allow', '', 'mask', 'reject'], registered.policy)
               ), 1) AS now
   ) AS strictness
 CROSS JOIN LATERAL (
        SELECT NOT cited.is_masked
               AND (interview.revision IS NOT DISTINCT FROM newest.revision
                    OR strictness.own >= strictness.now)
               AND CASE WHEN strictness.own = 1 AND strictness.now = 1 THEN true
                        -- Nobody is named whom no quote names.
                        ELSE strictness.own <= 2 AND cited.is_named
                   END AS is_open
   ) AS policy;
