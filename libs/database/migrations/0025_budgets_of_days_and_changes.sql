-- The default budget of each study's day, where budgets are listed; and more kinds of changes that
-- are told: interviews ingested, studies registered or changed, budgets changed.

-- NOT VALID: the rows that are there satisfied a stricter condition.
ALTER TABLE llm_budgets DROP CONSTRAINT llm_budgets_scope_check;
ALTER TABLE llm_budgets ADD CONSTRAINT llm_budgets_scope_check
    CHECK (scope IN ('study', 'study_day', 'day')) NOT VALID;

-- As in 0019, these act as the owner: who changes something needs no right to `changes`.
CREATE FUNCTION note_transcripts_ingested() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO public.changes (kind, study_id, data)
    SELECT 'transcripts.ingested', study_id,
           jsonb_build_object('transcript_id', transcript_id, 'revision', revision)
      FROM ingested;
    RETURN NULL;
END;
$$;

CREATE FUNCTION note_study_changed() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO public.changes (kind, study_id, data)
    VALUES (
        CASE TG_OP WHEN 'INSERT' THEN 'study.registered' ELSE 'study.changed' END,
        NEW.study_id,
        jsonb_build_object(
            'version', NEW.version, 'changes', NEW.changes,
            'is_archived', NEW.archived_at IS NOT NULL
        )
    );
    RETURN NULL;
END;
$$;

CREATE FUNCTION note_budget_changed() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    budget record;
BEGIN
    budget := CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    INSERT INTO public.changes (kind, data)
    VALUES (
        'budget.changed', jsonb_build_object('scope', budget.scope, 'name', budget.name)
    );
    RETURN NULL;
END;
$$;

CREATE TRIGGER transcripts_are_ingested AFTER INSERT ON transcripts
    REFERENCING NEW TABLE AS ingested
    FOR EACH STATEMENT EXECUTE FUNCTION note_transcripts_ingested();
CREATE TRIGGER studies_are_registered AFTER INSERT ON studies
    FOR EACH ROW EXECUTE FUNCTION note_study_changed();
CREATE TRIGGER studies_are_changed AFTER UPDATE ON studies
    FOR EACH ROW WHEN (NEW.changes <> OLD.changes) EXECUTE FUNCTION note_study_changed();
-- Limits from the settings are written whenever a service starts; they are no change that anybody makes.
CREATE TRIGGER budgets_are_set AFTER INSERT ON llm_budgets
    FOR EACH ROW WHEN (NEW.set_by = 'command') EXECUTE FUNCTION note_budget_changed();
CREATE TRIGGER budgets_are_changed AFTER UPDATE ON llm_budgets
    FOR EACH ROW WHEN (NEW.set_by = 'command') EXECUTE FUNCTION note_budget_changed();
CREATE TRIGGER budgets_are_reset AFTER DELETE ON llm_budgets
    FOR EACH ROW WHEN (OLD.set_by = 'command') EXECUTE FUNCTION note_budget_changed();
