-- name: select_study
-- Returns a registered study with the inputs of its current version.
SELECT study.study_id, study.version, study.personal_data, study.doubtful_speakers,
       study.statements, study.retention_days, study.daily_budget_usd, study.models,
       study.producers, study.changes, study.registered_by, study.is_self_registered,
       study.registered_at, study.changed_at, study.archived_at, asked.inputs
  FROM studies AS study
  JOIN study_versions AS asked USING (study_id, version)
 WHERE study.study_id = $1;

-- name: register_study
-- Registers a study that came with a submission; nothing happens if it is registered.
WITH registered AS (
    INSERT INTO studies (
        study_id, personal_data, doubtful_speakers, statements, models, registered_by,
        is_self_registered
    )
    VALUES ($1, $2, $3, $4, $5, $6, true)
    ON CONFLICT (study_id) DO NOTHING
    RETURNING study_id, version, registered_by
)
INSERT INTO study_versions (study_id, version, inputs, created_by)
SELECT study_id, version, $7::jsonb, registered_by FROM registered;

-- name: claim_transcript
-- Claims a revision of a transcript for a study and a producer; says why not, if it cannot be.
SELECT refusal, owner_study, owner_revision FROM claim_transcript($1, $2, $3, $4, $5);

-- name: select_submitter_secret
-- Returns the secret by which control proves who submitted a record through its API; NULL if nobody
-- has yet.
SELECT secret FROM submitter_secret;
