-- name: select_queries
-- What somebody looks for in each of the languages that some studies are in (null: all studies), and
-- whether it names a word to be found: not only words that every text has, or that are not wanted.
SELECT known.configuration,
       querytree(websearch_to_tsquery(known.configuration::regconfig, $1)) NOT IN ('', 'T')
           AS names_words
  FROM (
        SELECT DISTINCT configuration
          FROM search_configurations
         WHERE $2::text[] IS NULL OR study_id = ANY ($2)
       ) AS known;

-- name: select_documents
-- The best matches behind a position: in the languages $2 and studies $3 (null: all), for readers of
-- what is masked or of exact words.
WITH query AS MATERIALIZED (
    SELECT configuration, websearch_to_tsquery(configuration::regconfig, $1) AS words
      FROM unnest($2::text[]) AS configuration
), found AS (
    SELECT document.document_id, document.kind, document.study_id, document.transcript_id,
           document.revision, document.note_id, document.segment, document.start_char,
           document.length, document.configuration,
           -- 1: a longer text does not count for more because it has the words more often.
           ts_rank(document.words, query.words, 1) AS rank
      FROM query
      JOIN search_documents AS document
        ON document.configuration = query.configuration AND document.words @@ query.words
     CROSS JOIN LATERAL (
            SELECT newest.revision, newest.statements
              FROM transcripts AS newest
             WHERE newest.transcript_id = document.transcript_id
               AND newest.withdrawn_at IS NULL AND NOT newest.is_pending
             ORDER BY coalesce(newest.refreshes, newest.revision) DESC, newest.revision DESC
             LIMIT 1
           ) AS interview
     WHERE document.audience IN ('everyone', $4)
       AND ($3::text[] IS NULL OR document.study_id = ANY ($3))
       AND ($5::uuid IS NULL OR document.transcript_id = $5)
       AND ($6::text IS NULL OR document.kind = $6)
       AND document.revision = interview.revision
       AND (document.kind <> 'note' OR interview.statements <> 'quotes')
       -- A study that was tightened allows no words of interviews from before.
       AND (document.kind <> 'segment' OR $4 = 'exact' OR NOT EXISTS (
            SELECT FROM studies AS registered
             WHERE registered.study_id = document.study_id
               AND registered.personal_data IS DISTINCT FROM 'allow'
       ))
)
SELECT *
  FROM found
 WHERE $7::real IS NULL OR (rank, document_id) < ($7, $8::bigint)
 ORDER BY rank DESC, document_id DESC
 LIMIT $9;
