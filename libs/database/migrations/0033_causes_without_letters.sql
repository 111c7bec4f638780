-- Causes of which there is no letter any more, and of which nothing is noted, can be deleted.

-- A letter that is indexed meanwhile counts for a cause that is there: so none is, for as long as this
-- takes. Where somebody indexes now, it is for the next time.
CREATE FUNCTION delete_empty_causes() RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM public.letter_causes AS cause
         WHERE NOT EXISTS (
                SELECT FROM public.letter_cause_counts AS counted
                 WHERE counted.cause_id = cause.cause_id
               )
           AND assignee = '' AND remark = '' AND muted_until IS NULL
    ) THEN
        RETURN;
    END IF;
    LOCK TABLE public.dead_letters IN SHARE MODE NOWAIT;
    DELETE FROM public.letter_causes AS cause
     WHERE NOT EXISTS (
            SELECT FROM public.letter_cause_counts AS counted
             WHERE counted.cause_id = cause.cause_id
           )
       AND assignee = '' AND remark = '' AND muted_until IS NULL;
EXCEPTION WHEN lock_not_available THEN
    RETURN;
END;
$$;
