-- Who began a discard of many letters, and with which filter: only that goes on with it.
CREATE TABLE letter_discards (
    discard_id uuid PRIMARY KEY,
    token_id uuid NOT NULL,
    filter jsonb NOT NULL,
    begun_at timestamptz NOT NULL DEFAULT now()
);
