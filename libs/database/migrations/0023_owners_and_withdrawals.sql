-- Revisions of interviews can be withdrawn, and restored: what is withdrawn is kept, and is current
-- nowhere.

-- A revision that was withdrawn may be on its way still, so this is no column of `transcripts` alone.
CREATE TABLE withdrawn_revisions (
    transcript_id uuid NOT NULL,
    revision int NOT NULL CHECK (revision >= 1),
    withdrawn_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (transcript_id, revision)
);

-- As of submissions: without an interview, it is of no study that anybody knows.
CREATE POLICY of_readable_studies ON withdrawn_revisions USING (
    (SELECT public.reads_every_study())
    OR EXISTS (
        SELECT FROM public.transcripts AS interview
         WHERE interview.transcript_id = withdrawn_revisions.transcript_id
    )
);
ALTER TABLE withdrawn_revisions ENABLE ROW LEVEL SECURITY;

-- The highest accepted revision that is not withdrawn; 0 if there is none.
ALTER TABLE transcript_owners DROP CONSTRAINT transcript_owners_revision_check;
ALTER TABLE transcript_owners ADD CONSTRAINT transcript_owners_revision_check CHECK (revision >= 0);

-- Key of the advisory lock that whoever stores a revision and whoever withdraws one take, so that
-- neither overlooks the other.
CREATE FUNCTION withdrawal_lock(of_transcript uuid) RETURNS bigint IMMUTABLE LANGUAGE sql
    RETURN hashtextextended('withdrawal ' || of_transcript::text, 0);

-- Acts as the owner, so that persistence needs no right to what is withdrawn.
CREATE FUNCTION keep_withdrawn() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(public.withdrawal_lock(NEW.transcript_id));
    NEW.withdrawn_at := (
        SELECT known.withdrawn_at
          FROM public.withdrawn_revisions AS known
         WHERE known.transcript_id = NEW.transcript_id AND known.revision = NEW.revision
    );
    RETURN NEW;
END;
$$;
CREATE TRIGGER withdrawn_stays_withdrawn BEFORE INSERT ON transcripts
    FOR EACH ROW EXECUTE FUNCTION keep_withdrawn();

-- The current revision of each interview: the highest that is not withdrawn.
CREATE VIEW current_transcripts AS
SELECT interview.*
  FROM transcripts AS interview
 WHERE interview.revision = (
        SELECT max(newest.revision)
          FROM transcripts AS newest
         WHERE newest.transcript_id = interview.transcript_id AND newest.withdrawn_at IS NULL
   );

-- Withdraws a revision, or the highest one if none is named, and returns its number; NULL if no such
-- revision was accepted. Withdrawing the same again changes nothing.
CREATE FUNCTION withdraw_revision(of_transcript uuid, wanted int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    owned int;
    highest int;
    chosen int;
BEGIN
    PERFORM pg_advisory_xact_lock(public.withdrawal_lock(of_transcript));
    SELECT owner.revision INTO owned FROM public.transcript_owners AS owner
     WHERE owner.transcript_id = of_transcript FOR UPDATE;
    SELECT max(stored.revision) INTO highest FROM public.transcripts AS stored
     WHERE stored.transcript_id = of_transcript AND stored.withdrawn_at IS NULL;
    highest := greatest(owned, highest, 0);
    chosen := coalesce(wanted, nullif(highest, 0));
    IF chosen IS NULL OR (
        chosen > highest AND NOT EXISTS (
            SELECT FROM public.withdrawn_revisions AS known
             WHERE known.transcript_id = of_transcript AND known.revision = chosen
        )
    ) THEN
        RETURN NULL;
    END IF;
    INSERT INTO public.withdrawn_revisions (transcript_id, revision) VALUES (of_transcript, chosen)
        ON CONFLICT (transcript_id, revision) DO NOTHING;
    UPDATE public.transcripts AS stored SET withdrawn_at = now()
     WHERE stored.transcript_id = of_transcript AND stored.revision = chosen
       AND stored.withdrawn_at IS NULL;
    -- What was claimed below it and is not stored yet may be claimed anew.
    UPDATE public.transcript_owners AS owner
       SET revision = coalesce((
            SELECT max(stored.revision) FROM public.transcripts AS stored
             WHERE stored.transcript_id = of_transcript AND stored.withdrawn_at IS NULL
           ), 0)
     WHERE owner.transcript_id = of_transcript AND owner.revision = chosen;
    RETURN chosen;
END;
$$;

-- Takes the withdrawal of a revision back, or the latest one if none is named, and returns the
-- revision; NULL if it is not withdrawn.
CREATE FUNCTION restore_revision(of_transcript uuid, wanted int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    chosen int;
BEGIN
    PERFORM pg_advisory_xact_lock(public.withdrawal_lock(of_transcript));
    DELETE FROM public.withdrawn_revisions AS known
     WHERE known.transcript_id = of_transcript
       AND known.revision = coalesce(wanted, (
            SELECT latest.revision FROM public.withdrawn_revisions AS latest
             WHERE latest.transcript_id = of_transcript
             ORDER BY latest.withdrawn_at DESC, latest.revision DESC
             LIMIT 1
           ))
    RETURNING known.revision INTO chosen;
    IF chosen IS NOT NULL THEN
        UPDATE public.transcripts AS stored SET withdrawn_at = NULL
         WHERE stored.transcript_id = of_transcript AND stored.revision = chosen;
        UPDATE public.transcript_owners AS owner SET revision = greatest(owner.revision, chosen)
         WHERE owner.transcript_id = of_transcript;
    END IF;
    RETURN chosen;
END;
$$;

-- As in 0017. A revision that is withdrawn is not accepted (refusal 'withdrawn'), so that nothing is
-- paid for it; the revision after it may follow it by one, as its producer knows no other.
CREATE OR REPLACE FUNCTION claim_transcript(
    claimed uuid, for_study text, by_producer text, new_revision int, superseded int
) RETURNS TABLE (refusal text, owner_study text, owner_revision int) LANGUAGE plpgsql AS $$
DECLARE
    owner record;
    highest int;
BEGIN
    SELECT owned.* INTO owner FROM public.transcript_owners AS owned
     WHERE owned.transcript_id = claimed FOR UPDATE;
    IF NOT FOUND THEN
        -- One that was stored before this was recorded belongs to the study it was stored in first.
        INSERT INTO public.transcript_owners (transcript_id, study_id, producer, revision)
        SELECT claimed, coalesce(stored.study_id, for_study),
               CASE WHEN stored.study_id IS NULL THEN by_producer END,
               CASE WHEN stored.study_id IS NULL THEN new_revision ELSE coalesce(stored.newest, 0) END
          FROM (
                SELECT (array_agg(interview.study_id ORDER BY interview.revision))[1] AS study_id,
                       max(interview.revision) FILTER (WHERE interview.withdrawn_at IS NULL)
                           AS newest
                  FROM public.transcripts AS interview
                 WHERE interview.transcript_id = claimed
               ) AS stored
            ON CONFLICT (transcript_id) DO NOTHING;
        SELECT owned.* INTO owner FROM public.transcript_owners AS owned
         WHERE owned.transcript_id = claimed FOR UPDATE;
    END IF;
    highest := owner.revision;
    IF new_revision::bigint > highest + 1::bigint THEN
        -- Revisions that were on their way when one above them was withdrawn.
        SELECT greatest(highest, max(stored.revision)) INTO highest
          FROM public.transcripts AS stored
         WHERE stored.transcript_id = claimed AND stored.withdrawn_at IS NULL;
    END IF;
    owner_study := owner.study_id;
    owner_revision := highest;
    IF owner.study_id <> for_study OR owner.producer <> by_producer THEN
        refusal := 'owner';
    ELSIF EXISTS (
        SELECT FROM public.withdrawn_revisions AS known
         WHERE known.transcript_id = claimed AND known.revision = new_revision
    ) THEN
        refusal := 'withdrawn';
    ELSIF new_revision > highest + 1::bigint
        AND highest > 0
        AND superseded IS DISTINCT FROM highest
        AND new_revision - highest - 1::bigint > (
            SELECT count(*) FROM public.withdrawn_revisions AS known
             WHERE known.transcript_id = claimed
               AND known.revision > highest AND known.revision < new_revision
        )
    THEN
        refusal := 'gap';
    ELSIF new_revision > owner.revision OR owner.producer IS NULL THEN
        UPDATE public.transcript_owners AS owned
           SET revision = greatest(owned.revision, new_revision), producer = by_producer
         WHERE owned.transcript_id = claimed;
        owner_revision := greatest(highest, new_revision);
    END IF;
    RETURN NEXT;
END;
$$;

-- As in 0019, without what is withdrawn; and what was withdrawn or restored.
CREATE OR REPLACE FUNCTION note_notes_stored() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO public.changes (kind, study_id, data)
    SELECT 'notes.stored', interview.study_id, jsonb_build_object(
               'transcript_id', changed.transcript_id, 'revision', changed.revision,
               'chunks', count(*)
           )
      FROM changed
      JOIN before USING (chunk_id)
      JOIN public.transcripts AS interview
        ON interview.transcript_id = changed.transcript_id
       AND interview.revision = changed.revision
     WHERE changed.stored_at IS DISTINCT FROM before.stored_at
       AND interview.withdrawn_at IS NULL
     GROUP BY interview.study_id, changed.transcript_id, changed.revision;
    RETURN NULL;
END;
$$;

CREATE FUNCTION note_withdrawal() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO public.changes (kind, study_id, data)
    VALUES (
        CASE WHEN NEW.withdrawn_at IS NULL THEN 'notes.restored' ELSE 'notes.withdrawn' END,
        NEW.study_id,
        jsonb_build_object('transcript_id', NEW.transcript_id, 'revision', NEW.revision)
    );
    RETURN NULL;
END;
$$;
CREATE TRIGGER withdrawals_are_changes AFTER UPDATE OF withdrawn_at ON transcripts
    FOR EACH ROW WHEN (NEW.withdrawn_at IS DISTINCT FROM OLD.withdrawn_at)
    EXECUTE FUNCTION note_withdrawal();

-- Whether a study registered itself with a submission, and nobody has edited it since: then it has
-- neither an operator's policies nor a budget of its own.
ALTER TABLE studies ADD COLUMN is_self_registered boolean NOT NULL DEFAULT false;

-- What counts as a study's day: of studies that registered themselves, all together have one, '*', as
-- anybody may invent as many studies as they like. No study's id begins like that.
CREATE OR REPLACE FUNCTION llm_study_day_name(for_study text, of_day date) RETURNS text STABLE
LANGUAGE sql RETURN (
    SELECT CASE WHEN EXISTS (
                    SELECT FROM public.studies AS study
                     WHERE study.study_id = for_study
                       AND study.is_self_registered AND study.daily_budget_usd IS NULL
                )
                THEN '*'
                ELSE for_study
           END || ' ' || public.llm_day_name(of_day)
);

-- Studies that had interviews before studies were registered are registered with the strictest
-- policies of their interviews, and with what the latest was asked. Of policies on personal data, one
-- that is not given is stricter than `allow`: it is what the guardrail's settings say.
WITH asked AS (
    SELECT DISTINCT ON (study_id) study_id, study
      FROM transcripts
     WHERE jsonb_typeof(study -> 'themes') = 'array' AND study ->> 'name' <> ''
     ORDER BY study_id, ingested_at DESC, transcript_id, revision DESC
), policies AS (
    SELECT study_id,
           CASE max(CASE study ->> 'personal_data'
                        WHEN 'allow' THEN 0 WHEN 'mask' THEN 2 WHEN 'reject' THEN 3 ELSE 1 END)
               WHEN 0 THEN 'allow' WHEN 2 THEN 'mask' WHEN 3 THEN 'reject'
           END AS personal_data,
           CASE WHEN bool_and(study ->> 'doubtful_speakers' IS NOT DISTINCT FROM 'accept')
                THEN 'accept' ELSE 'refuse'
           END AS doubtful_speakers,
           CASE max(CASE statements WHEN 'all' THEN 0 WHEN 'confirmed' THEN 1
                                    WHEN 'quotes' THEN 3 ELSE 2 END)
               WHEN 0 THEN 'all' WHEN 1 THEN 'confirmed' WHEN 3 THEN 'quotes' ELSE 'proven'
           END AS statements
      FROM transcripts
     GROUP BY study_id
), registered AS (
    INSERT INTO studies (
        study_id, personal_data, doubtful_speakers, statements, models, registered_by,
        is_self_registered
    )
    SELECT study_id, policies.personal_data, policies.doubtful_speakers, policies.statements,
           ARRAY(
                SELECT jsonb_array_elements_text(
                    CASE jsonb_typeof(asked.study -> 'models')
                        WHEN 'array' THEN asked.study -> 'models' ELSE '[]'
                    END
                )
           ),
           'its interviews, at the upgrade', true
      FROM policies
      JOIN asked USING (study_id)
        ON CONFLICT (study_id) DO NOTHING
    RETURNING study_id, version, registered_by
)
INSERT INTO study_versions (study_id, version, inputs, created_by)
SELECT study_id, version,
       jsonb_build_object(
           'name', study -> 'name', 'language', coalesce(study -> 'language', '"en"'),
           'themes', study -> 'themes', 'questions', coalesce(study -> 'questions', '[]')
       ),
       registered_by
  FROM registered
  JOIN asked USING (study_id);
