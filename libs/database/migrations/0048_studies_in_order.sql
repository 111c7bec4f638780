-- Lists of studies go on behind an id, in the order of bytes, and look at no study but those of a page.
-- The index that there is has the order of the database.
CREATE INDEX transcripts_by_study_in_order ON transcripts (study_id COLLATE "C");
