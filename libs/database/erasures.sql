-- name: is_erased
-- Whether an interview was erased on request.
SELECT is_erased($1);
