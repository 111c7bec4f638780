-- How each interview was read: who speaks how much, what was dropped or repaired, what was in doubt. It
-- quotes labels and lines, so it is read as segments are. What was stored before has none, and a revision
-- that asks another one again has that one's.
CREATE TABLE reading_reports (
    transcript_id uuid NOT NULL,
    revision int NOT NULL,
    report jsonb NOT NULL,
    PRIMARY KEY (transcript_id, revision),
    FOREIGN KEY (transcript_id, revision) REFERENCES transcripts ON DELETE CASCADE
);
CREATE TRIGGER reading_reports_are_immutable BEFORE UPDATE ON reading_reports
    FOR EACH ROW EXECUTE FUNCTION refuse_update();

CREATE POLICY of_readable_studies ON reading_reports USING (
    (SELECT public.reads_every_study())
    OR EXISTS (
        SELECT FROM public.transcripts AS interview
         WHERE interview.transcript_id = reading_reports.transcript_id
           AND interview.revision = reading_reports.revision
    )
);
ALTER TABLE reading_reports ENABLE ROW LEVEL SECURITY;
