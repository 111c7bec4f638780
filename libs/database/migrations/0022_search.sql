-- What is searched: the words of statements, quotes and segments, in the language of their study.

-- PostgreSQL's configurations for full-text search by ISO 639 code; 'simple' where it has none.
CREATE FUNCTION search_configuration(language text) RETURNS text STABLE LANGUAGE sql
    RETURN coalesce(
        (
            SELECT known.configuration
              FROM (VALUES
                    ('ar', 'arabic'), ('ara', 'arabic'), ('hy', 'armenian'), ('hye', 'armenian'),
                    ('eu', 'basque'), ('eus', 'basque'), ('ca', 'catalan'), ('cat', 'catalan'),
                    ('da', 'danish'), ('dan', 'danish'), ('nl', 'dutch'), ('nld', 'dutch'),
                    ('en', 'english'), ('eng', 'english'), ('et', 'estonian'), ('est', 'estonian'),
                    ('fi', 'finnish'), ('fin', 'finnish'), ('fr', 'french'), ('fra', 'french'),
                    ('de', 'german'), ('deu', 'german'), ('el', 'greek'), ('ell', 'greek'),
                    ('hi', 'hindi'), ('hin', 'hindi'), ('hu', 'hungarian'), ('hun', 'hungarian'),
                    ('id', 'indonesian'), ('ind', 'indonesian'), ('ga', 'irish'), ('gle', 'irish'),
                    ('it', 'italian'), ('ita', 'italian'), ('lt', 'lithuanian'),
                    ('lit', 'lithuanian'), ('ne', 'nepali'), ('nep', 'nepali'),
                    ('no', 'norwegian'), ('nor', 'norwegian'), ('nb', 'norwegian'),
                    ('nob', 'norwegian'), ('pt', 'portuguese'), ('por', 'portuguese'),
                    ('ro', 'romanian'), ('ron', 'romanian'), ('ru', 'russian'), ('rus', 'russian'),
                    ('sr', 'serbian'), ('srp', 'serbian'), ('es', 'spanish'), ('spa', 'spanish'),
                    ('sv', 'swedish'), ('swe', 'swedish'), ('ta', 'tamil'), ('tam', 'tamil'),
                    ('tr', 'turkish'), ('tur', 'turkish'), ('yi', 'yiddish'), ('yid', 'yiddish')
                   ) AS known (code, configuration)
             WHERE known.code = language
               AND EXISTS (
                    SELECT FROM pg_catalog.pg_ts_config
                     WHERE cfgname = known.configuration
                       AND cfgnamespace = 'pg_catalog'::regnamespace
               )
        ),
        'simple'
    );

-- A tsvector holds a MiB at most; the words of a longer text than this are found up to here.
CREATE FUNCTION search_words(configuration text, searched text) RETURNS tsvector
    STABLE LANGUAGE sql
    RETURN to_tsvector(configuration::regconfig, left(searched, 50000));

-- Nobody reads words here that are masked for them: control alone reads it, and asks for what the
-- caller may see. A quote that is masked is here twice, as readers and as evidence readers see it.
CREATE TABLE search_documents (
    document_id bigint GENERATED ALWAYS AS IDENTITY,
    kind text NOT NULL CHECK (kind IN ('note', 'quote', 'segment')),
    audience text NOT NULL CHECK (audience IN ('everyone', 'masked', 'exact')),
    study_id text NOT NULL,
    transcript_id uuid NOT NULL,
    revision int NOT NULL,
    note_id uuid,
    segment int,
    start_char int,
    length int,
    configuration text NOT NULL,
    words tsvector NOT NULL,
    FOREIGN KEY (transcript_id, revision) REFERENCES transcripts ON DELETE CASCADE,
    -- Notes that say the same may cite the same place; it is one result.
    UNIQUE NULLS NOT DISTINCT (
        transcript_id, revision, kind, note_id, segment, start_char, length, audience
    )
);

COMMENT ON COLUMN search_documents.audience IS
    'Who finds it: everyone who may read the study, those who see what is masked, or those who ask '
    'for exact words.';

-- In which languages each study has interviews: one query of a language is compared with the words
-- of that language alone.
CREATE TABLE search_configurations (
    study_id text NOT NULL,
    configuration text NOT NULL,
    PRIMARY KEY (study_id, configuration)
);

-- They act as the owner, so that persistence needs no right to what is searched.
CREATE FUNCTION make_segments_searchable() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    WITH interview AS MATERIALIZED (
        SELECT transcript_id, revision, study_id,
               public.search_configuration(coalesce(study ->> 'language', 'en')) AS configuration,
               CASE WHEN study ->> 'personal_data' = 'allow' THEN 'everyone' ELSE 'exact' END
                   AS audience
          FROM public.transcripts
         WHERE (transcript_id, revision) IN (SELECT transcript_id, revision FROM added)
    ), known AS (
        INSERT INTO public.search_configurations (study_id, configuration)
        SELECT DISTINCT study_id, configuration FROM interview ORDER BY study_id, configuration
            ON CONFLICT DO NOTHING
    )
    INSERT INTO public.search_documents (
        kind, audience, study_id, transcript_id, revision, segment, configuration, words
    )
    SELECT 'segment', audience, study_id, transcript_id, revision, number, configuration,
           public.search_words(configuration, text)
      FROM added
      JOIN interview USING (transcript_id, revision);
    RETURN NULL;
END;
$$;

CREATE FUNCTION make_notes_searchable() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    WITH interview AS MATERIALIZED (
        SELECT transcript_id, revision,
               public.search_configuration(coalesce(study ->> 'language', 'en')) AS configuration
          FROM public.transcripts
         WHERE (transcript_id, revision) IN (SELECT transcript_id, revision FROM added)
    )
    INSERT INTO public.search_documents (
        kind, audience, study_id, transcript_id, revision, note_id, configuration, words
    )
    SELECT 'note', 'everyone', study_id, transcript_id, revision, note_id, configuration,
           public.search_words(configuration, statement)
      FROM added
      JOIN interview USING (transcript_id, revision)
     WHERE same_as IS NULL;
    RETURN NULL;
END;
$$;

CREATE FUNCTION make_quotes_searchable() RETURNS trigger LANGUAGE plpgsql
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

CREATE TRIGGER segments_are_searchable AFTER INSERT ON segments
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION make_segments_searchable();
CREATE TRIGGER notes_are_searchable AFTER INSERT ON notes
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION make_notes_searchable();
CREATE TRIGGER quotes_are_searchable AFTER INSERT ON evidence
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION make_quotes_searchable();

-- What is stored already. Writers wait meanwhile: the triggers' locks are held until all of it is in.
INSERT INTO search_configurations (study_id, configuration)
SELECT DISTINCT study_id, search_configuration(coalesce(study ->> 'language', 'en'))
  FROM transcripts;

WITH interview AS MATERIALIZED (
    SELECT transcript_id, revision, study_id,
           search_configuration(coalesce(study ->> 'language', 'en')) AS configuration,
           CASE WHEN study ->> 'personal_data' = 'allow'
                     AND NOT EXISTS (
                        SELECT FROM evidence
                         WHERE evidence.transcript_id = stored.transcript_id
                           AND evidence.revision = stored.revision
                           AND evidence.masked_quote IS NOT NULL
                     )
                THEN 'everyone'
                ELSE 'exact'
           END AS audience
      FROM transcripts AS stored
)
INSERT INTO search_documents (
    kind, audience, study_id, transcript_id, revision, segment, configuration, words
)
SELECT 'segment', audience, study_id, transcript_id, revision, number, configuration,
       search_words(configuration, text)
  FROM segments
  JOIN interview USING (transcript_id, revision);

WITH interview AS MATERIALIZED (
    SELECT transcript_id, revision,
           search_configuration(coalesce(study ->> 'language', 'en')) AS configuration
      FROM transcripts
)
INSERT INTO search_documents (
    kind, audience, study_id, transcript_id, revision, note_id, configuration, words
)
SELECT 'note', 'everyone', study_id, transcript_id, revision, note_id, configuration,
       search_words(configuration, statement)
  FROM notes
  JOIN interview USING (transcript_id, revision)
 WHERE same_as IS NULL;

WITH interview AS MATERIALIZED (
    SELECT transcript_id, revision, study_id,
           search_configuration(coalesce(study ->> 'language', 'en')) AS configuration
      FROM transcripts
)
INSERT INTO search_documents (
    kind, audience, study_id, transcript_id, revision, note_id, segment, start_char, length,
    configuration, words
)
SELECT 'quote', version.audience, interview.study_id, cited.transcript_id, cited.revision,
       coalesce(note.same_as, note.note_id), cited.segment, cited.start_char, cited.length,
       configuration, search_words(configuration, version.quote)
  FROM evidence AS cited
  JOIN interview USING (transcript_id, revision)
  JOIN notes AS note ON note.note_id = cited.note_id
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

CREATE INDEX search_documents_by_words ON search_documents USING gin (words);
