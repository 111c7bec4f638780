-- name: select_registered_studies
-- Registered studies with the inputs of their current versions: of some ids or of any, those behind
-- an id.
SELECT study.study_id, study.version, study.personal_data, study.doubtful_speakers,
       study.statements, study.retention_days, study.daily_budget_usd, study.models,
       study.producers, study.changes, study.registered_by, study.is_self_registered,
       study.registered_at, study.changed_at, study.archived_at, asked.inputs
  FROM studies AS study
  JOIN study_versions AS asked USING (study_id, version)
 WHERE ($1::text[] IS NULL OR study.study_id = ANY ($1))
   AND ($2::text IS NULL OR study.study_id > $2)
 ORDER BY study.study_id
 LIMIT $3;

-- name: lock_study
-- Locks a study against other changes until the transaction ends.
SELECT FROM studies WHERE study_id = $1 FOR UPDATE;

-- name: insert_study
-- Registers a study; no row is returned if it is registered.
WITH registered AS (
    INSERT INTO studies (
        study_id, registered_by, personal_data, doubtful_speakers, statements, retention_days,
        daily_budget_usd, models, producers
    )
    VALUES ($1, $2, $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT (study_id) DO NOTHING
    RETURNING study_id, version, registered_by
)
INSERT INTO study_versions (study_id, version, inputs, created_by)
SELECT study_id, version, $3::jsonb, registered_by FROM registered
RETURNING study_id;

-- name: insert_study_version
-- Adds a version of a study.
INSERT INTO study_versions (study_id, version, inputs, created_by) VALUES ($1, $2, $3::jsonb, $4);

-- name: update_study
-- Changes a study's policies and its current version, and whether it takes interviews; it counts as
-- registered by whoever changes it.
UPDATE studies
   SET version = $2, personal_data = $3, doubtful_speakers = $4, statements = $5,
       retention_days = $6, daily_budget_usd = $7, models = $8, producers = $9,
       archived_at = CASE WHEN $10::boolean THEN coalesce(archived_at, now()) END,
       changes = changes + 1, changed_at = now(), is_self_registered = false
 WHERE study_id = $1;
