-- name: select_changes_end
-- The position behind all changes that anybody can read by now.
SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS transaction_id, 0::bigint AS change_id;

-- name: select_changes
-- The next changes behind a position. Those of transactions that still run, and of all that began
-- after the oldest of them, are read later, so that none is passed over.
SELECT transaction_id::text AS transaction_id, change_id, at, kind, study_id, data
  FROM changes
 WHERE (transaction_id, change_id) > (($1::text)::xid8, $2::bigint)
   AND transaction_id < pg_snapshot_xmin(pg_current_snapshot())
 ORDER BY transaction_id, change_id
 LIMIT $3;

-- name: has_change
-- Whether a change is still kept; so is all that came after it, then.
SELECT EXISTS (
    SELECT FROM changes WHERE transaction_id = ($1::text)::xid8 AND change_id = $2::bigint
);

-- name: is_complete_since
-- Whether all changes behind a position are still kept, which was the end at some time; not of
-- another database, such as before a backup was put back.
SELECT $2::timestamptz > now() - $3::interval
   AND ($1::text)::xid8 <= pg_snapshot_xmax(pg_current_snapshot());

-- name: delete_old_changes
-- Changes that are kept no longer.
DELETE FROM changes WHERE at < now() - $1::interval;
