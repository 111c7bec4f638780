-- Edits of dead letters: what a replay sends in place of the message, which its DLQ keeps as it was.

CREATE TABLE letter_edits (
    letter_id uuid NOT NULL REFERENCES dead_letters ON DELETE CASCADE,
    -- Counts the edits of a letter, from 1.
    number int NOT NULL CHECK (number > 0),
    value bytea NOT NULL,
    -- What is changed: JSON Pointers with what was there before and what is there now.
    changes jsonb NOT NULL,
    edited_at timestamptz NOT NULL DEFAULT now(),
    edited_by text NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (letter_id, number)
);

ALTER TABLE dead_letters
    -- The edit that a replay sends; none: the message as it is.
    ADD COLUMN edit int,
    -- A replay was cut short, and the broker may have its message all the same: what a replay sends may
    -- not be changed until it is known what became of it.
    ADD COLUMN may_be_sent boolean NOT NULL DEFAULT false;
