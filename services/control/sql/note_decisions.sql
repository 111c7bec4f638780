-- name: decide_note
-- Adds a person's decision about a note; returns what became of it, with the number of the latest.
SELECT outcome, version
  FROM decide_note(
           $1::uuid, $2::int, $3::text, $4::text, $5::text, $6::jsonb, $7::jsonb, $8::text[],
           $9::text[], $10::int, $11::text, $12::text, $13::text[]
       );
