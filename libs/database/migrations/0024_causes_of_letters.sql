-- What letters died of, in groups that are counted as letters come and change: an operator with
-- 3,000 letters sees the handful of causes behind them, without a scan of the letters.

-- A message without what differs from one failure of a cause to the next: ids, quoted text,
-- addresses, digests and numbers. Old code that is still running writes letters with it, too.
CREATE FUNCTION letter_cause_summary(message text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT left(btrim(regexp_replace(regexp_replace(regexp_replace(regexp_replace(
               regexp_replace(regexp_replace(
                   left(message, 1000),
                   '[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}',
                   '<id>', 'g'),
                   '"[^"]*"|“[^”]*”|`[^`]*`|(?<!\w)''[^'']*''(?!\w)', '<text>', 'g'),
               '\m[a-z][a-z0-9+.-]*://[^\s<>,;]+', '<address>', 'g'),
               '\m(?=[0-9a-f]*[0-9])[0-9a-f]{8,}\M', '<digest>', 'g'),
               '[0-9]+([.,:_-][0-9]+)*', '<n>', 'g'),
               '\s+', ' ', 'g')), 300)
$$;

CREATE FUNCTION letter_cause_id(service text, error_code text, error_type text, message text)
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT left(encode(sha256(convert_to(
               service || E'\x1f' || error_code || E'\x1f' || error_type || E'\x1f'
               || public.letter_cause_summary(message), 'UTF8'
           )), 'hex'), 16)
$$;

ALTER TABLE dead_letters
    ADD COLUMN study_id text,
    ADD COLUMN producer text,
    ADD COLUMN cause_id text NOT NULL
        GENERATED ALWAYS AS (letter_cause_id(service, error_code, error_type, error_message)) STORED;

CREATE INDEX dead_letters_by_cause ON dead_letters (cause_id, failed_at);
CREATE INDEX dead_letters_by_time ON dead_letters (failed_at, dlq_topic, dlq_partition, dlq_offset);

-- Whether a letter is one of those meant; a field that is absent matches all. It is inlined, so that
-- indexes serve what is asked for.
CREATE FUNCTION letter_matches(letter dead_letters, meant jsonb) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT (meant ->> 'service' IS NULL OR letter.service = meant ->> 'service')
       AND (meant ->> 'code' IS NULL OR letter.error_code = meant ->> 'code')
       AND (meant ->> 'fingerprint' IS NULL OR letter.fingerprint = meant ->> 'fingerprint')
       AND (meant ->> 'subject' IS NULL OR letter.subject = meant ->> 'subject')
       AND (meant ->> 'key' IS NULL OR letter.key = convert_to(meant ->> 'key', 'UTF8'))
       AND (meant ->> 'cause' IS NULL OR letter.cause_id = meant ->> 'cause')
       AND (meant ->> 'study' IS NULL OR letter.study_id = meant ->> 'study')
       AND (meant ->> 'producer' IS NULL OR letter.producer = meant ->> 'producer')
       AND (meant ->> 'text' IS NULL
            OR strpos(lower(letter.error_message), lower(meant ->> 'text')) > 0)
       AND (meant ->> 'min_attempts' IS NULL
            OR letter.attempts >= (meant ->> 'min_attempts')::int)
       AND (meant ->> 'since' IS NULL OR letter.failed_at >= (meant ->> 'since')::timestamptz)
       AND (meant ->> 'before' IS NULL OR letter.failed_at < (meant ->> 'before')::timestamptz)
$$;

-- What people note about a cause; the counts stand apart, so that both can be written at once.
CREATE TABLE letter_causes (
    cause_id text PRIMARY KEY,
    service text NOT NULL,
    error_code text NOT NULL,
    error_type text NOT NULL,
    summary text NOT NULL,
    example uuid NOT NULL,
    assignee text NOT NULL DEFAULT '',
    remark text NOT NULL DEFAULT '',
    muted_until timestamptz,
    version bigint NOT NULL DEFAULT 1
);

-- Letters of a cause by study, hour of failure and state; hours that are long ago are '-infinity'. A
-- count is the sum of its rows: changes are appended, so that no two transactions wait for each
-- other, and are summed up now and then.
CREATE TABLE letter_cause_counts (
    cause_id text NOT NULL,
    study_id text NOT NULL,
    hour timestamptz NOT NULL,
    state text NOT NULL,
    letters bigint NOT NULL,
    first_failed_at timestamptz NOT NULL,
    last_failed_at timestamptz NOT NULL,
    is_summed boolean NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX letter_cause_counts_summed
    ON letter_cause_counts (cause_id, study_id, hour, state) WHERE is_summed;
CREATE INDEX letter_cause_counts_to_sum ON letter_cause_counts (cause_id) WHERE NOT is_summed;

CREATE FUNCTION count_letters_indexed() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO public.letter_causes (
        cause_id, service, error_code, error_type, summary, example
    )
    SELECT DISTINCT ON (cause_id)
           cause_id, service, error_code, error_type,
           public.letter_cause_summary(error_message), letter_id
      FROM indexed
     WHERE NOT EXISTS (
           SELECT FROM public.letter_causes AS known WHERE known.cause_id = indexed.cause_id
     )
     ORDER BY cause_id
        ON CONFLICT DO NOTHING;
    INSERT INTO public.letter_cause_counts
    SELECT cause_id, coalesce(study_id, ''), date_trunc('hour', failed_at, 'UTC'), state, count(*),
           min(failed_at), max(failed_at)
      FROM indexed
     GROUP BY 1, 2, 3, 4;
    RETURN NULL;
END;
$$;

CREATE FUNCTION count_letters_changed() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO public.letter_causes (
        cause_id, service, error_code, error_type, summary, example
    )
    SELECT DISTINCT ON (cause_id)
           cause_id, service, error_code, error_type,
           public.letter_cause_summary(error_message), letter_id
      FROM changed
     WHERE NOT EXISTS (
           SELECT FROM public.letter_causes AS known WHERE known.cause_id = changed.cause_id
     )
     ORDER BY cause_id
        ON CONFLICT DO NOTHING;
    INSERT INTO public.letter_cause_counts
    SELECT cause_id, study_id, hour, state, sum(letters), min(failed_at), max(failed_at)
      FROM (
            SELECT cause_id, coalesce(study_id, '') AS study_id,
                   date_trunc('hour', failed_at, 'UTC') AS hour, state, 1 AS letters, failed_at
              FROM changed
             UNION ALL
            SELECT cause_id, coalesce(study_id, ''), date_trunc('hour', failed_at, 'UTC'), state,
                   -1, failed_at
              FROM before
           ) AS change
     GROUP BY 1, 2, 3, 4
    HAVING sum(letters) <> 0;
    RETURN NULL;
END;
$$;

CREATE FUNCTION count_letters_deleted() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO public.letter_cause_counts
    SELECT cause_id, coalesce(study_id, ''), date_trunc('hour', failed_at, 'UTC'), state, -count(*),
           min(failed_at), max(failed_at)
      FROM deleted
     GROUP BY 1, 2, 3, 4;
    RETURN NULL;
END;
$$;

CREATE TRIGGER letters_are_counted AFTER INSERT ON dead_letters
    REFERENCING NEW TABLE AS indexed
    FOR EACH STATEMENT EXECUTE FUNCTION count_letters_indexed();
CREATE TRIGGER letters_are_counted_anew AFTER UPDATE ON dead_letters
    REFERENCING OLD TABLE AS before NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION count_letters_changed();
CREATE TRIGGER letters_are_counted_no_more AFTER DELETE ON dead_letters
    REFERENCING OLD TABLE AS deleted
    FOR EACH STATEMENT EXECUTE FUNCTION count_letters_deleted();

-- The letters there are already.
INSERT INTO letter_causes (cause_id, service, error_code, error_type, summary, example)
SELECT DISTINCT ON (cause_id)
       cause_id, service, error_code, error_type, letter_cause_summary(error_message), letter_id
  FROM dead_letters
 ORDER BY cause_id;
UPDATE dead_letters AS letter
   SET study_id = interview.study_id
  FROM transcripts AS interview
 WHERE letter.subject = interview.transcript_id::text AND letter.study_id IS NULL;
UPDATE dead_letters AS letter
   SET study_id = interview.study_id
  FROM chunks AS chunk
  JOIN transcripts AS interview USING (transcript_id, revision)
 WHERE letter.subject = chunk.chunk_id::text AND letter.study_id IS NULL;
TRUNCATE letter_cause_counts;
INSERT INTO letter_cause_counts
SELECT cause_id, coalesce(study_id, ''), date_trunc('hour', failed_at, 'UTC'), state, count(*),
       min(failed_at), max(failed_at), true
  FROM dead_letters
 GROUP BY 1, 2, 3, 4;
