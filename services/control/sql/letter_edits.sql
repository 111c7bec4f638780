-- name: lock_letter
-- Where a letter stands; nobody claims it for a replay until the end of the transaction.
SELECT service, shown_letter_state(state, outcome) AS state, coalesce(edit, 0) AS edit,
       may_be_sent,
       (SELECT coalesce(max(number), 0) FROM letter_edits AS edits
         WHERE edits.letter_id = letter.letter_id) AS latest
  FROM dead_letters AS letter
 WHERE letter_id = $1
   FOR UPDATE;

-- name: insert_edit
-- Adds an edit of a letter.
INSERT INTO letter_edits (letter_id, number, value, changes, edited_by, reason)
VALUES ($1, $2, $3, $4, $5, $6);

-- name: choose_edit
-- What a replay sends from now on: an edit, or the message as it is. A submission does not say which
-- content it brings; of an edited one that is known.
UPDATE dead_letters
   SET edit = $2,
       content_sha256 = CASE service WHEN 'ingestion' THEN $3 ELSE content_sha256 END
 WHERE letter_id = $1;

-- name: select_edits
-- All edits of a letter, the latest first.
SELECT number, octet_length(value) AS size_bytes, changes, edited_at, edited_by, reason
  FROM letter_edits
 WHERE letter_id = $1
 ORDER BY number DESC;

-- name: select_value
-- What an edit of a letter sends.
SELECT value FROM letter_edits WHERE letter_id = $1 AND number = $2;

-- name: select_edited
-- Which of some letters are edited.
SELECT letter_id
  FROM letter_edits AS edits
  JOIN dead_letters AS letter USING (letter_id)
 WHERE letter_id = ANY ($1::uuid[]) AND letter.edit = edits.number;

-- name: select_edited_values
-- What is sent of those of some letters that are edited.
SELECT letter_id, value
  FROM letter_edits AS edits
  JOIN dead_letters AS letter USING (letter_id)
 WHERE letter_id = ANY ($1::uuid[]) AND letter.edit = edits.number;
