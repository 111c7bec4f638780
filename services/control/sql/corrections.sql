-- name: claim_correction
-- Claims the next revision of an interview for a correction; says why not, if it cannot be.
SELECT outcome, revision FROM claim_correction($1, $2, $3, $4, $5, $6, $7, $8);

-- name: select_correction
-- A correction that is to be published, or published again.
SELECT title, base_revision, study_id
  FROM corrections
 WHERE transcript_id = $1 AND revision = $2;

-- name: mark_correction_published
-- The broker has the submission of a correction.
UPDATE corrections
   SET published_at = now()
 WHERE transcript_id = $1 AND revision = $2 AND published_at IS NULL;
