-- Replaying many letters, and a DLQ that was made anew.

-- A replay changes a letter's state twice. As long as no indexed column changes and the page has
-- room, PostgreSQL leaves the indexes alone (a heap-only update), so the state itself is in no
-- index; `settled` is, which changes at the end only.
ALTER TABLE dead_letters
    ADD COLUMN settled boolean NOT NULL
        GENERATED ALWAYS AS (state IN ('replayed', 'discarded')) STORED,
    ADD COLUMN displaced_at timestamptz,
    SET (fillfactor = 50, toast_tuple_target = 128);

-- A letter whose place in the DLQ another one has now is displaced: its bytes are gone.
CREATE UNIQUE INDEX letter_has_its_place_to_itself
    ON dead_letters (dlq_topic, dlq_partition, dlq_offset) WHERE displaced_at IS NULL;
ALTER TABLE dead_letters DROP CONSTRAINT letter_has_its_own_place;

-- In the order of code points, by which a replay goes on where it was.
CREATE INDEX dead_letters_unsettled
    ON dead_letters (dlq_topic COLLATE "C", dlq_partition, dlq_offset) WHERE NOT settled;
DROP INDEX dead_letters_by_state;
