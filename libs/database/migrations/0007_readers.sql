-- Who may read what. Where a study masks personal data, notes and quotes are shown masked; the exact
-- words stay, for those who have the right to read evidence. PostgreSQL holds this, not the client.

-- Who speaks in an interview. A label is often a name, so each voice has a pseudonym too: its role,
-- and its number in the order in which the voices are heard.
CREATE TABLE speakers (
    transcript_id uuid NOT NULL,
    revision int NOT NULL,
    speaker text NOT NULL,
    pseudonym text NOT NULL,
    PRIMARY KEY (transcript_id, revision, speaker),
    FOREIGN KEY (transcript_id, revision) REFERENCES transcripts ON DELETE CASCADE
);

INSERT INTO speakers
SELECT transcript_id, revision, speaker,
       (array_agg(role ORDER BY number))[1] || ' ' || row_number() OVER (
            PARTITION BY transcript_id, revision ORDER BY min(number)
       )
  FROM segments
 GROUP BY transcript_id, revision, speaker;

CREATE VIEW shown_evidence AS
SELECT cited.note_id, cited.transcript_id, cited.revision, cited.segment, cited.start_char,
       cited.length, coalesce(cited.masked_quote, cited.quote) AS quote,
       cited.masked_quote IS NOT NULL AS is_masked,
       CASE WHEN cited.masked_quote IS NULL THEN cited.speaker ELSE voice.pseudonym END AS speaker,
       cited.role, cited.start_ms, cited.end_ms
  FROM evidence AS cited
  JOIN speakers AS voice USING (transcript_id, revision, speaker);

CREATE VIEW shown_speakers AS
SELECT voice.transcript_id, voice.revision,
       CASE WHEN EXISTS (
                SELECT FROM evidence
                 WHERE evidence.transcript_id = voice.transcript_id
                   AND evidence.revision = voice.revision
                   AND evidence.masked_quote IS NOT NULL
            )
            THEN voice.pseudonym
            ELSE voice.speaker
       END AS speaker
  FROM speakers AS voice;

-- The same with the exact words and labels, for those who may read evidence.
CREATE VIEW exact_evidence AS
SELECT note_id, transcript_id, revision, segment, start_char, length, quote, false AS is_masked,
       speaker, role, start_ms, end_ms
  FROM evidence;

CREATE VIEW exact_speakers AS SELECT transcript_id, revision, speaker FROM speakers;

-- Roles belong to the whole server and may be there already; where this login may not make them,
-- whoever may gives the rights by hand (docs/security.md).
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'onrecord_reader') THEN
        CREATE ROLE onrecord_reader NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'onrecord_evidence_reader') THEN
        CREATE ROLE onrecord_evidence_reader NOLOGIN IN ROLE onrecord_reader;
    END IF;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE NOTICE 'this login may not make roles: onrecord_reader and onrecord_evidence_reader '
                     'are to be made by one that may';
    WHEN duplicate_object OR unique_violation THEN
        NULL;  -- another database of this server was just migrated
END;
$$;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'onrecord_reader') THEN
        GRANT SELECT ON transcripts, chunks, drafts, notes, note_themes, note_questions,
            current_notes, shown_evidence, shown_speakers, submissions TO onrecord_reader;
        GRANT SELECT (
            letter_id, subject, state, service, source_topic, source_partition, source_offset
        ) ON dead_letters TO onrecord_reader;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'onrecord_evidence_reader') THEN
        GRANT SELECT ON evidence, exact_evidence, exact_speakers, speakers, segments,
            rejected_notes TO onrecord_evidence_reader;
    END IF;
END;
$$;
