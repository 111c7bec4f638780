-- What a rehearsal sets for its messages alone, as plans do (replay_plans.overrides).
ALTER TABLE rehearsals ADD COLUMN overrides jsonb NOT NULL DEFAULT '{}';
