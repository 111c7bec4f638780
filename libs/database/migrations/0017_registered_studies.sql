-- Studies are registered with their policies, and a transcript belongs to whoever brought it first.

-- Policies hold for all interviews of a study; what is asked of the model has versions.
CREATE TABLE studies (
    study_id text PRIMARY KEY,
    -- The version of the inputs that new interviews are asked with.
    version int NOT NULL DEFAULT 1 CHECK (version >= 1),
    -- NULL: what the guardrail's settings say.
    personal_data text CHECK (personal_data IN ('allow', 'mask', 'reject')),
    doubtful_speakers text NOT NULL CHECK (doubtful_speakers IN ('refuse', 'accept')),
    statements text NOT NULL CHECK (statements IN ('proven', 'confirmed', 'all', 'quotes')),
    retention_days int CHECK (retention_days >= 1),
    -- NULL: what the services' settings say.
    daily_budget_usd numeric CHECK (daily_budget_usd >= 0),
    models text[] NOT NULL DEFAULT '{}',
    producers text[] NOT NULL DEFAULT '{}',
    -- Counts all changes, for the API's entity tags.
    changes int NOT NULL DEFAULT 1,
    registered_by text NOT NULL,
    registered_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now(),
    archived_at timestamptz
);

-- Name, language, themes and questions, as contracts.study.StudyInputs has them; never changed.
CREATE TABLE study_versions (
    study_id text NOT NULL REFERENCES studies,
    version int NOT NULL CHECK (version >= 1),
    inputs jsonb NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (study_id, version)
);
CREATE TRIGGER study_versions_are_immutable BEFORE UPDATE ON study_versions
    FOR EACH ROW EXECUTE FUNCTION refuse_update();

CREATE POLICY of_readable_studies ON studies USING (
    (SELECT public.reads_every_study())
    OR study_id IN (SELECT study_id FROM public.readable_studies)
);
CREATE POLICY of_readable_studies ON study_versions USING (
    (SELECT public.reads_every_study())
    OR study_id IN (SELECT study_id FROM public.readable_studies)
);
ALTER TABLE studies ENABLE ROW LEVEL SECURITY;
ALTER TABLE study_versions ENABLE ROW LEVEL SECURITY;

-- Whose a transcript is, from its first submission that names a study it may go to.
CREATE TABLE transcript_owners (
    transcript_id uuid PRIMARY KEY,
    study_id text NOT NULL,
    -- NULL: stored before this was recorded; it becomes that of the next submission in the study.
    producer text,
    -- The highest revision that was accepted.
    revision int NOT NULL CHECK (revision >= 1),
    claimed_at timestamptz NOT NULL DEFAULT now()
);

-- Claims a revision of a transcript for a study and a producer, and returns whose it is then and its
-- highest revision. The refusal is 'owner' or 'gap'; it is NULL, and the revision recorded, if the
-- claim holds. Claiming the same again changes nothing.
--
-- Older revisions are always accepted: they may arrive late. A newer one follows the highest, or
-- names it as what it supersedes; the first one begins anywhere.
CREATE FUNCTION claim_transcript(
    claimed uuid, for_study text, by_producer text, new_revision int, superseded int
) RETURNS TABLE (refusal text, owner_study text, owner_revision int) LANGUAGE plpgsql AS $$
DECLARE
    owner record;
BEGIN
    SELECT owned.* INTO owner FROM public.transcript_owners AS owned
     WHERE owned.transcript_id = claimed FOR UPDATE;
    IF NOT FOUND THEN
        -- One that was stored before this was recorded belongs to the study it was stored in first.
        INSERT INTO public.transcript_owners (transcript_id, study_id, producer, revision)
        SELECT claimed, coalesce(stored.study_id, for_study),
               CASE WHEN stored.study_id IS NULL THEN by_producer END,
               coalesce(stored.newest, new_revision)
          FROM (
                SELECT (array_agg(interview.study_id ORDER BY interview.revision))[1] AS study_id,
                       max(interview.revision) AS newest
                  FROM public.transcripts AS interview
                 WHERE interview.transcript_id = claimed
               ) AS stored
            ON CONFLICT (transcript_id) DO NOTHING;
        SELECT owned.* INTO owner FROM public.transcript_owners AS owned
         WHERE owned.transcript_id = claimed FOR UPDATE;
    END IF;
    owner_study := owner.study_id;
    owner_revision := owner.revision;
    IF owner.study_id <> for_study OR owner.producer <> by_producer THEN
        refusal := 'owner';
    ELSIF new_revision > owner.revision::bigint + 1 AND superseded IS DISTINCT FROM owner.revision THEN
        refusal := 'gap';
    ELSIF new_revision > owner.revision OR owner.producer IS NULL THEN
        UPDATE public.transcript_owners AS owned
           SET revision = greatest(owned.revision, new_revision), producer = by_producer
         WHERE owned.transcript_id = claimed;
        owner_revision := greatest(owner.revision, new_revision);
    END IF;
    RETURN NEXT;
END;
$$;

-- A revision that was withdrawn is kept, and is not the current one.
ALTER TABLE transcripts ADD COLUMN withdrawn_at timestamptz;
CREATE TRIGGER withdrawal_may_settle AFTER UPDATE OF withdrawn_at ON transcripts
    FOR EACH ROW EXECUTE FUNCTION check_settlement_of_transcript();

CREATE OR REPLACE VIEW current_notes AS
SELECT note.note_id, note.chunk_id, note.transcript_id, note.revision, note.study_id, note.position,
       CASE WHEN policy.is_shown THEN note.statement END AS statement,
       note.created_at, note.attempt, note.flags, note.same_as,
       CASE WHEN NOT policy.is_shown THEN note.statement END AS model_reading,
       note.standing, note.vouchers, interview.statements
  FROM notes AS note
 CROSS JOIN LATERAL (
        -- One look into the index for the newest revision and the policy; a join of the tables would
        -- be planned as if a study had few notes.
        SELECT newest.revision, newest.statements
          FROM transcripts AS newest
         WHERE newest.transcript_id = note.transcript_id AND newest.withdrawn_at IS NULL
         ORDER BY newest.revision DESC
         LIMIT 1
   ) AS interview
 CROSS JOIN LATERAL (
        -- As contracts.notes.shows_statement has it; a policy that is not known is the default.
        SELECT CASE interview.statements
                   WHEN 'all' THEN true
                   WHEN 'quotes' THEN false
                   ELSE note.standing <> 'unproven'
               END AS is_shown
   ) AS policy
 WHERE note.same_as IS NULL AND note.revision = interview.revision;

-- What each study spends on each day (UTC): 'STUDY YYYY-MM-DD'. No study's id has a blank.
ALTER TABLE llm_spending DROP CONSTRAINT llm_spending_scope_check;
ALTER TABLE llm_spending ADD CONSTRAINT llm_spending_scope_check
    CHECK (scope IN ('study', 'study_day', 'day'));

CREATE FUNCTION llm_study_day_name(for_study text, of_day date) RETURNS text STABLE LANGUAGE sql
    RETURN for_study || ' ' || public.llm_day_name(of_day);

-- As in 0005, with the study's day between the other two: whoever changes them locks in this order.
CREATE OR REPLACE FUNCTION book_llm_spending(
    for_study text, on_day date, settled numeric, reserved numeric
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    place record;
BEGIN
    FOR place IN
        VALUES (1, 'study', for_study),
               (2, 'study_day', public.llm_study_day_name(for_study, on_day)),
               (3, 'day', public.llm_day_name(on_day))
         ORDER BY 1
    LOOP
        INSERT INTO public.llm_spending (scope, name)
        VALUES (place.column2, place.column3)
            ON CONFLICT (scope, name) DO NOTHING;
        -- Of a call that was reserved before there was such a sum, no more is given back than it has.
        UPDATE public.llm_spending AS sums
           SET settled_usd = sums.settled_usd + settled,
               reserved_usd = CASE place.column2
                   WHEN 'study_day' THEN greatest(sums.reserved_usd + reserved, 0)
                   ELSE sums.reserved_usd + reserved
                   END
         WHERE sums.scope = place.column2 AND sums.name = place.column3;
    END LOOP;
END;
$$;

-- As reserve_llm_spending, which older code calls, with a budget of the study's day: the study's own,
-- or the services' default. A call of unknown price is refused by every limit that somebody has set;
-- the default for a study's day, which nobody has set, lets it pass.
CREATE FUNCTION reserve_study_spending(
    for_study text, moment timestamptz, worst numeric, study_default numeric,
    study_day_default numeric, day_default numeric
) RETURNS TABLE (
    scope text, limit_usd numeric, settled_usd numeric, reserved_usd numeric,
    returning_usd numeric, is_own boolean
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    today date := (moment AT TIME ZONE 'UTC')::date;
    refused boolean := false;
    limited boolean := false;
    place record;
    sums record;
    own numeric;
    allowed numeric;
BEGIN
    FOR place IN
        VALUES (1, 'study', for_study, for_study, study_default),
               (2, 'study_day', public.llm_study_day_name(for_study, today), for_study,
                study_day_default),
               (3, 'day', public.llm_day_name(today), '', day_default)
         ORDER BY 1
    LOOP
        INSERT INTO public.llm_spending (scope, name)
        VALUES (place.column2, place.column3)
            ON CONFLICT (scope, name) DO NOTHING;
        SELECT spent.settled_usd, spent.reserved_usd
          INTO sums
          FROM public.llm_spending AS spent
         WHERE spent.scope = place.column2 AND spent.name = place.column3
           FOR UPDATE;
        IF place.column2 = 'study_day' THEN
            SELECT study.daily_budget_usd INTO own FROM public.studies AS study
             WHERE study.study_id = place.column4 AND study.daily_budget_usd IS NOT NULL;
        ELSE
            SELECT budget.limit_usd INTO own FROM public.llm_budgets AS budget
             WHERE budget.scope = place.column2 AND budget.name = place.column4
               AND budget.set_by = 'command';
        END IF;
        is_own := FOUND;
        allowed := CASE WHEN is_own THEN own ELSE place.column5 END;
        CONTINUE WHEN worst IS NULL AND place.column2 = 'study_day' AND NOT is_own;
        -- What a power cut makes forgotten may overshoot the default by as little.
        limited := limited OR allowed IS NOT NULL AND (is_own OR place.column2 <> 'study_day');
        IF worst IS NULL AND allowed IS NOT NULL
            OR sums.settled_usd + sums.reserved_usd + worst > allowed
        THEN
            refused := true;
            scope := place.column2;
            limit_usd := allowed;
            settled_usd := sums.settled_usd;
            reserved_usd := sums.reserved_usd;
            SELECT coalesce(sum(call.worst_usd), 0)
              INTO returning_usd
              FROM public.llm_calls AS call
             WHERE call.settled_at IS NULL
               AND call.started_at > moment - public.llm_lost_after()
               AND (call.study_id = for_study OR place.column2 = 'day')
               AND (call.day = today OR place.column2 = 'study');
            RETURN NEXT;
        END IF;
    END LOOP;
    IF NOT limited THEN
        -- No budget can be overshot, so nobody waits for the disk.
        PERFORM set_config('synchronous_commit', 'off', true);
    END IF;
    IF NOT refused THEN
        PERFORM public.book_llm_spending(for_study, today, 0, coalesce(worst, 0));
    END IF;
END;
$$;
