-- From when on a rehearsal's calls are counted against its budget: since a worker first took it up.
-- NULL: none has, or older code did.
ALTER TABLE rehearsals ADD COLUMN begun_at timestamptz;
