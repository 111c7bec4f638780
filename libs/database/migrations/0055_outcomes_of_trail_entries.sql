-- What became of what the trail says was asked for. An entry is written before the act, and is never
-- changed; its outcome is a row of its own, written once the act is over.
CREATE TABLE trail_outcomes (
    entry_id bigint PRIMARY KEY REFERENCES trail,
    outcome text NOT NULL CHECK (outcome IN ('done', 'refused', 'failed')),
    status smallint CHECK (status BETWEEN 100 AND 599),
    at timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE trail_outcomes IS
    'What became of each entry of the trail. No row: it is under way, or a crash or an outage hid it.';
COMMENT ON COLUMN trail_outcomes.status IS
    'The HTTP status of the answer; none of what control does by itself.';

CREATE TRIGGER trail_outcomes_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON trail_outcomes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_trail();
