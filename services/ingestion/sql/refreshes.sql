-- name: select_refreshed
-- The stored interview that a refresh asks again; no row if nobody asked for it.
SELECT study_id, study_version, is_withdrawn, title, format, recorded_at, study
  FROM select_refreshed($1, $2);

-- name: select_refreshed_segments
-- Its segments.
SELECT number, speaker, role, text, start_ms, end_ms, words FROM select_refreshed_segments($1, $2);

-- name: select_corrected
-- The stored interview that a correction is of; no row if nobody asked for it.
SELECT study_id, is_withdrawn, title, format, recorded_at, study, report, corrected_segments
  FROM select_corrected($1, $2);

-- name: select_corrected_segments
-- Its segments, as they are corrected.
SELECT number, speaker, role, text, start_ms, end_ms, words FROM select_corrected_segments($1, $2);
