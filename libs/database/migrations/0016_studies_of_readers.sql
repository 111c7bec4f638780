-- Who may read which study. A role of readers says what of a study somebody reads; this table says of
-- which studies. Rows of other studies do not exist for them, in tables and in views.

-- A login reads the studies of every role here that it is a member of; study_id NULL: all studies.
CREATE TABLE study_grants (
    role_name name NOT NULL,
    study_id text,
    granted_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE NULLS NOT DISTINCT (role_name, study_id)
);

-- Readers read all studies, as before. Who wants to grant studies one by one deletes their row, and
-- leaves control's, which answers for people and holds them to their studies itself.
INSERT INTO study_grants (role_name, study_id)
VALUES ('onrecord_reader', NULL), ('onrecord_control', NULL);

-- In a view, current_user is whoever reads it. The owner of the tables reads all studies.
CREATE VIEW readable_studies AS
SELECT granted.study_id
  FROM study_grants AS granted
  JOIN pg_catalog.pg_roles AS role ON role.rolname = granted.role_name
 WHERE pg_has_role(current_user, role.oid, 'USAGE')
 UNION ALL
SELECT NULL
  FROM pg_catalog.pg_class
 WHERE pg_class.oid = 'public.transcripts'::regclass
   AND pg_has_role(current_user, relowner, 'USAGE');

-- Policies read it as whoever is held to them; it shows everybody their own studies.
GRANT SELECT ON readable_studies TO PUBLIC;

CREATE FUNCTION reads_every_study() RETURNS boolean STABLE LANGUAGE sql
    RETURN EXISTS (SELECT FROM public.readable_studies WHERE study_id IS NULL);

-- PostgreSQL checks a view's tables as the view's owner, and a superuser is held to no policy.
CREATE FUNCTION refuse_grant_that_does_not_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT rolsuper OR rolbypassrls
          FROM pg_roles JOIN pg_class ON relowner = pg_roles.oid
         WHERE pg_class.oid = 'public.current_notes'::regclass)
    THEN
        RAISE object_not_in_prerequisite_state USING
            MESSAGE = 'the tables belong to a superuser, who is held to no policy',
            HINT = 'run `python -m database roles`, which gives them to onrecord_owner';
    END IF;
    RETURN NEW;
END;
$$;

CREATE TRIGGER study_grants_hold BEFORE INSERT OR UPDATE ON study_grants
    FOR EACH ROW WHEN (NEW.study_id IS NOT NULL)
    EXECUTE FUNCTION refuse_grant_that_does_not_hold();

-- Both are evaluated once a statement. What belongs to an interview or a note is there for those to
-- whom the interview or the note is.
CREATE POLICY of_readable_studies ON transcripts USING (
    (SELECT public.reads_every_study())
    OR study_id IN (SELECT study_id FROM public.readable_studies)
);
CREATE POLICY of_readable_studies ON notes USING (
    (SELECT public.reads_every_study())
    OR study_id IN (SELECT study_id FROM public.readable_studies)
);
CREATE POLICY of_readable_studies ON segments USING (
    (SELECT public.reads_every_study())
    OR EXISTS (
        SELECT FROM public.transcripts AS interview
         WHERE interview.transcript_id = segments.transcript_id
           AND interview.revision = segments.revision
    )
);
CREATE POLICY of_readable_studies ON speakers USING (
    (SELECT public.reads_every_study())
    OR EXISTS (
        SELECT FROM public.transcripts AS interview
         WHERE interview.transcript_id = speakers.transcript_id
           AND interview.revision = speakers.revision
    )
);
CREATE POLICY of_readable_studies ON chunks USING (
    (SELECT public.reads_every_study())
    OR EXISTS (
        SELECT FROM public.transcripts AS interview
         WHERE interview.transcript_id = chunks.transcript_id
           AND interview.revision = chunks.revision
    )
);
CREATE POLICY of_readable_studies ON drafts USING (
    (SELECT public.reads_every_study())
    OR EXISTS (SELECT FROM public.chunks AS chunk WHERE chunk.chunk_id = drafts.chunk_id)
);
CREATE POLICY of_readable_studies ON rejected_notes USING (
    (SELECT public.reads_every_study())
    OR EXISTS (SELECT FROM public.chunks AS chunk WHERE chunk.chunk_id = rejected_notes.chunk_id)
);
CREATE POLICY of_readable_studies ON evidence USING (
    (SELECT public.reads_every_study())
    OR EXISTS (SELECT FROM public.notes AS note WHERE note.note_id = evidence.note_id)
);
CREATE POLICY of_readable_studies ON note_themes USING (
    (SELECT public.reads_every_study())
    OR EXISTS (SELECT FROM public.notes AS note WHERE note.note_id = note_themes.note_id)
);
CREATE POLICY of_readable_studies ON note_questions USING (
    (SELECT public.reads_every_study())
    OR EXISTS (SELECT FROM public.notes AS note WHERE note.note_id = note_questions.note_id)
);
-- A submission or a letter of which no interview came is of no study that anybody knows.
CREATE POLICY of_readable_studies ON submissions USING (
    (SELECT public.reads_every_study())
    OR EXISTS (
        SELECT FROM public.transcripts AS interview
         WHERE interview.transcript_id = submissions.transcript_id
    )
);
CREATE POLICY of_readable_studies ON dead_letters USING (
    (SELECT public.reads_every_study())
    OR CASE WHEN subject ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
            THEN EXISTS (
                    SELECT FROM public.chunks AS chunk
                     WHERE chunk.chunk_id = dead_letters.subject::uuid
                 )
                 OR EXISTS (
                    SELECT FROM public.transcripts AS interview
                     WHERE interview.transcript_id = dead_letters.subject::uuid
                 )
            ELSE false
       END
);

-- Services and operators have policies of their own, which the planner reduces to nothing. Roles
-- that are created later get theirs with their rights.
DO $$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN
        SELECT served.role, place.name AS place
          FROM (VALUES
                ('onrecord_persistence', ARRAY[
                    'transcripts', 'segments', 'speakers', 'chunks', 'drafts', 'notes', 'evidence',
                    'note_themes', 'note_questions', 'rejected_notes'
                ]),
                ('onrecord_control', ARRAY[
                    'transcripts', 'chunks', 'notes', 'rejected_notes', 'dead_letters', 'submissions'
                ]),
                ('onrecord_operator', ARRAY['transcripts', 'chunks', 'dead_letters', 'submissions'])
               ) AS served (role, places)
          JOIN pg_roles ON rolname = served.role
         CROSS JOIN unnest(served.places) AS place (name)
    LOOP
        EXECUTE format('CREATE POLICY %1$I ON %2$I TO %1$I USING (true)', wanted.role, wanted.place);
    END LOOP;
END;
$$;

ALTER TABLE segments ENABLE ROW LEVEL SECURITY;
ALTER TABLE chunks ENABLE ROW LEVEL SECURITY;
ALTER TABLE drafts ENABLE ROW LEVEL SECURITY;
ALTER TABLE rejected_notes ENABLE ROW LEVEL SECURITY;
ALTER TABLE note_themes ENABLE ROW LEVEL SECURITY;
ALTER TABLE note_questions ENABLE ROW LEVEL SECURITY;
ALTER TABLE submissions ENABLE ROW LEVEL SECURITY;
ALTER TABLE dead_letters ENABLE ROW LEVEL SECURITY;
-- Views read these as the owner, on behalf of others: the owner is held to the policies, too.
ALTER TABLE transcripts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE evidence ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE speakers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
