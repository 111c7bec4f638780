-- Letters that were discarded together, so that this can be undone, and letters that are left out of
-- lists for a while. A letter that is open again keeps the discard it was in last.
ALTER TABLE dead_letters
    ADD COLUMN discard_id uuid,
    ADD COLUMN snoozed_until timestamptz;

CREATE INDEX dead_letters_by_discard ON dead_letters (discard_id) WHERE discard_id IS NOT NULL;
CREATE INDEX dead_letters_snoozed ON dead_letters (snoozed_until) WHERE snoozed_until IS NOT NULL;
