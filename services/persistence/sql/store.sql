-- name: insert_transcript
-- Takes a revision; no row comes back if it is taken.
INSERT INTO transcripts (
    transcript_id, revision, study_id, title, format, content_sha256, study, recorded_at,
    segment_count, chunk_count
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (transcript_id, revision) DO NOTHING
RETURNING content_sha256;

-- name: select_content_sha256
-- What the revision was taken by.
SELECT content_sha256 FROM transcripts WHERE transcript_id = $1 AND revision = $2;

-- name: insert_segments
-- All turns of a transcript, one array a column.
INSERT INTO segments (transcript_id, revision, number, speaker, role, text, start_ms, end_ms)
SELECT $1, $2, turn.*
  FROM unnest($3::int[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[]) AS turn;

-- name: insert_speakers
-- Who speaks in a transcript, with a pseudonym by role and in the order of the voices.
INSERT INTO speakers (transcript_id, revision, speaker, pseudonym)
SELECT transcript_id, revision, speaker,
       (array_agg(role ORDER BY number))[1] || ' ' || row_number() OVER (ORDER BY min(number))
  FROM segments
 WHERE transcript_id = $1 AND revision = $2
 GROUP BY transcript_id, revision, speaker;

-- name: insert_chunks
-- All chunks of a transcript, none of them stored yet.
INSERT INTO chunks (transcript_id, revision, chunk_id, index, first_segment, last_segment)
SELECT $1, $2, chunk.*
  FROM unnest($3::uuid[], $4::int[], $5::int[], $6::int[]) AS chunk;
