-- name: insert_transcript
-- Inserts a revision; returns no row if there is one already.
INSERT INTO transcripts (
    transcript_id, revision, study_id, title, format, content_sha256, study, recorded_at,
    segment_count, chunk_count
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (transcript_id, revision) DO NOTHING
RETURNING content_sha256;

-- name: select_content_sha256
-- Returns the hash of the content under which a revision is stored.
SELECT content_sha256 FROM transcripts WHERE transcript_id = $1 AND revision = $2;

-- name: insert_segments
-- Inserts all segments of a transcript, one array a column.
INSERT INTO segments (
    transcript_id, revision, number, speaker, role, text, start_ms, end_ms, words
)
SELECT $1, $2, turn.*
  FROM unnest(
        $3::int[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::jsonb[]
       ) AS turn;

-- name: insert_speakers
-- Inserts the speakers of a transcript, with pseudonyms by role in order of appearance.
INSERT INTO speakers (transcript_id, revision, speaker, pseudonym)
SELECT transcript_id, revision, speaker,
       (array_agg(role ORDER BY number))[1] || ' ' || row_number() OVER (ORDER BY min(number))
  FROM segments
 WHERE transcript_id = $1 AND revision = $2
 GROUP BY transcript_id, revision, speaker;

-- name: insert_chunks
-- Inserts all chunks of a transcript, none of them stored yet.
INSERT INTO chunks (transcript_id, revision, chunk_id, index, first_segment, last_segment)
SELECT $1, $2, chunk.*
  FROM unnest($3::uuid[], $4::int[], $5::int[], $6::int[]) AS chunk;

-- name: insert_reading_report
-- Inserts the report on how a transcript was read.
INSERT INTO reading_reports (transcript_id, revision, report) VALUES ($1, $2, $3);
