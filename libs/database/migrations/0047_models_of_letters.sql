-- With which model and which version of the prompt a letter's draft was asked for last, by the ledger of
-- calls: what letters are selected by when a model or a prompt spoils drafts.
ALTER TABLE dead_letters
    ADD COLUMN model text,
    ADD COLUMN prompt_version text;

-- Of the letters that there are; no count of letters is changed by it.
ALTER TABLE dead_letters DISABLE TRIGGER USER;
UPDATE dead_letters AS letter
   SET model = latest.model, prompt_version = latest.prompt_version
  FROM (
        SELECT DISTINCT ON (asked.letter_id)
               asked.letter_id, call.model, call.prompt_version
          FROM dead_letters AS asked
          JOIN llm_calls AS call
            ON call.subject = asked.subject AND call.purpose IN ('draft', 'draft-repair')
           AND call.started_at <= asked.failed_at + interval '10 s'
         ORDER BY asked.letter_id, call.started_at DESC
       ) AS latest
 WHERE letter.letter_id = latest.letter_id;
ALTER TABLE dead_letters ENABLE TRIGGER USER;

CREATE INDEX dead_letters_by_model
    ON dead_letters (model, failed_at, dlq_topic, dlq_partition, dlq_offset)
 WHERE model IS NOT NULL;
CREATE INDEX dead_letters_by_prompt
    ON dead_letters (prompt_version, failed_at, dlq_topic, dlq_partition, dlq_offset)
 WHERE prompt_version IS NOT NULL;

-- As before, and by model, by prompt and by ids.
CREATE OR REPLACE FUNCTION letter_matches(letter dead_letters, meant jsonb) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT (meant ->> 'service' IS NULL OR letter.service = meant ->> 'service')
       AND (meant ->> 'code' IS NULL OR letter.error_code = meant ->> 'code')
       AND (meant ->> 'fingerprint' IS NULL OR letter.fingerprint = meant ->> 'fingerprint')
       AND (meant ->> 'subject' IS NULL OR letter.subject = meant ->> 'subject')
       AND (meant ->> 'key' IS NULL OR letter.key = convert_to(meant ->> 'key', 'UTF8'))
       AND (meant ->> 'cause' IS NULL OR letter.cause_id = meant ->> 'cause')
       AND (meant ->> 'study' IS NULL OR letter.study_id = meant ->> 'study')
       AND (meant ->> 'producer' IS NULL OR letter.producer = meant ->> 'producer')
       AND (meant ->> 'model' IS NULL OR letter.model = meant ->> 'model')
       AND (meant ->> 'prompt' IS NULL OR letter.prompt_version = meant ->> 'prompt')
       AND (meant ->> 'text' IS NULL
            OR strpos(lower(letter.error_message), lower(meant ->> 'text')) > 0)
       AND (meant ->> 'min_attempts' IS NULL
            OR letter.attempts >= (meant ->> 'min_attempts')::int)
       AND (meant ->> 'since' IS NULL OR letter.failed_at >= (meant ->> 'since')::timestamptz)
       AND (meant ->> 'before' IS NULL OR letter.failed_at < (meant ->> 'before')::timestamptz)
       AND (meant -> 'letter_ids' IS NULL OR meant -> 'letter_ids' ? letter.letter_id::text)
$$;
