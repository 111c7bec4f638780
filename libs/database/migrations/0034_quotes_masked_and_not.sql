-- A place that a note cites both masked and not is found by its masked words alone, as it is shown.

-- As in 0022; a document that evidence readers find is there beside each masked one.
CREATE OR REPLACE FUNCTION make_quotes_searchable() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    WITH interview AS MATERIALIZED (
        SELECT transcript_id, revision, study_id,
               public.search_configuration(coalesce(study ->> 'language', 'en')) AS configuration
          FROM public.transcripts
         WHERE (transcript_id, revision) IN (SELECT transcript_id, revision FROM added)
    )
    INSERT INTO public.search_documents (
        kind, audience, study_id, transcript_id, revision, note_id, segment, start_char, length,
        configuration, words
    )
    SELECT 'quote', version.audience, interview.study_id, cited.transcript_id, cited.revision,
           coalesce(note.same_as, note.note_id), cited.segment, cited.start_char, cited.length,
           configuration, public.search_words(configuration, version.quote)
      FROM added AS cited
      JOIN interview USING (transcript_id, revision)
      JOIN public.notes AS note ON note.note_id = cited.note_id
     CROSS JOIN LATERAL (
            SELECT 'everyone' AS audience, cited.quote
             WHERE cited.masked_quote IS NULL OR cited.masked_quote = cited.quote
             UNION ALL
            SELECT hidden.audience, hidden.quote
              FROM (VALUES ('masked', cited.masked_quote), ('exact', cited.quote))
                   AS hidden (audience, quote)
             WHERE cited.masked_quote <> cited.quote
           ) AS version
        ON CONFLICT DO NOTHING;
    -- A place that a note cites both masked and not, as notes that say the same may, is shown masked.
    DELETE FROM public.search_documents AS clear
     USING added AS cited
      JOIN public.notes AS note ON note.note_id = cited.note_id
     WHERE clear.transcript_id = cited.transcript_id AND clear.revision = cited.revision
       AND clear.kind = 'quote' AND clear.note_id = coalesce(note.same_as, note.note_id)
       AND clear.segment = cited.segment AND clear.start_char = cited.start_char
       AND clear.length = cited.length AND clear.audience = 'everyone'
       AND EXISTS (
            SELECT FROM public.search_documents AS masked
             WHERE masked.transcript_id = clear.transcript_id AND masked.revision = clear.revision
               AND masked.kind = 'quote' AND masked.note_id = clear.note_id
               AND masked.segment = clear.segment AND masked.start_char = clear.start_char
               AND masked.length = clear.length AND masked.audience = 'masked'
       );
    -- An interview with a masked quote is shown to nobody as it is, whatever its study says.
    IF EXISTS (
        SELECT FROM added
          JOIN public.transcripts AS interview USING (transcript_id, revision)
         WHERE masked_quote IS NOT NULL AND study ->> 'personal_data' = 'allow'
    ) THEN
        UPDATE public.search_documents AS document
           SET audience = 'exact'
         WHERE document.kind = 'segment' AND document.audience = 'everyone'
           AND (document.transcript_id, document.revision) IN (
                SELECT transcript_id, revision FROM added WHERE masked_quote IS NOT NULL
           );
    END IF;
    RETURN NULL;
END;
$$;

DELETE FROM search_documents AS clear
 WHERE kind = 'quote' AND audience = 'everyone'
   AND EXISTS (
        SELECT FROM search_documents AS masked
         WHERE masked.transcript_id = clear.transcript_id AND masked.revision = clear.revision
           AND masked.kind = 'quote' AND masked.note_id = clear.note_id
           AND masked.segment = clear.segment AND masked.start_char = clear.start_char
           AND masked.length = clear.length AND masked.audience = 'masked'
   );
