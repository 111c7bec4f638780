-- Older code, which may still run while this database is migrated, names no draft. It would take the
-- refusal of a column for the message's fault, and make a dead letter of it; a conflict has it try
-- again later, when newer code is there.
CREATE FUNCTION put_off_older_code() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE serialization_failure USING
        MESSAGE = format('%I of this version belong to a draft', TG_TABLE_NAME);
END;
$$;

CREATE TRIGGER notes_are_of_a_draft BEFORE INSERT ON notes
    FOR EACH ROW WHEN (NEW.attempt IS NULL) EXECUTE FUNCTION put_off_older_code();
CREATE TRIGGER rejected_notes_are_of_a_draft BEFORE INSERT ON rejected_notes
    FOR EACH ROW WHEN (NEW.attempt IS NULL) EXECUTE FUNCTION put_off_older_code();
