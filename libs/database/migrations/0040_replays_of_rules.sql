-- Letters that a rule replayed of late, so that it waits until it is known what became of them.
CREATE TABLE letter_rule_replays (
    rule text NOT NULL REFERENCES letter_rules ON DELETE CASCADE,
    letter_id uuid NOT NULL,
    replayed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (rule, letter_id)
);
CREATE INDEX letter_rule_replays_by_time ON letter_rule_replays (rule, replayed_at);
