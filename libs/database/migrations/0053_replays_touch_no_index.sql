-- That a replayed letter is sent is a heap-only update again, as its claim is (see 0003 and 0038): it
-- changed columns of three indexes, so that all of the table's indexes had an entry added for each
-- letter. Which letters are waited for is a narrow table of its own now, and a letter is settled when
-- it is known what became of it, or no longer looked for. The table is written anew once, as in 0003;
-- letters wait in Kafka meanwhile.
CREATE TABLE awaited_replays (
    sent_at timestamptz NOT NULL,
    letter_id uuid NOT NULL,
    -- In the order in which outcomes are looked for: the latest first.
    PRIMARY KEY (sent_at, letter_id)
);
INSERT INTO awaited_replays (sent_at, letter_id)
SELECT sent_at, letter_id FROM dead_letters WHERE sent_at IS NOT NULL AND outcome IS NULL;

-- With the indexes that name them.
ALTER TABLE dead_letters DROP COLUMN sent_at, DROP COLUMN settled;
ALTER TABLE dead_letters
    ADD COLUMN settled boolean NOT NULL GENERATED ALWAYS AS (
        state = 'discarded'
        OR state = 'replayed' AND (outcome IS NOT NULL OR emptied_at IS NOT NULL)
    ) STORED;
CREATE INDEX dead_letters_unsettled
    ON dead_letters (dlq_topic COLLATE "C", dlq_partition, dlq_offset) WHERE NOT settled;
CREATE INDEX dead_letters_to_empty ON dead_letters (letter_id)
 WHERE settled AND emptied_at IS NULL;
