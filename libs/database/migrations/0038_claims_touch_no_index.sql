-- Claims of letters are heap-only updates again. Columns of an index's predicate count as indexed, so
-- the state must be in none: not in its columns, and not in its predicate (see 0003).

-- When a replayed letter was sent; it changes with `settled`, at the end only, unlike the columns that
-- a claim sets. The table is written anew once, as in 0003; letters wait in Kafka meanwhile.
ALTER TABLE dead_letters
    ADD COLUMN sent_at timestamptz
        GENERATED ALWAYS AS (CASE WHEN state = 'replayed' THEN state_changed_at END) STORED;

-- In the order in which outcomes are looked for: the latest first.
CREATE INDEX dead_letters_awaited ON dead_letters (sent_at, letter_id)
    WHERE sent_at IS NOT NULL AND outcome IS NULL;
DROP INDEX dead_letters_without_outcome;
