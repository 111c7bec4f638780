-- The one secret of control's that ingestion reads too: it proves whose token submitted a record.
CREATE VIEW submitter_secret AS SELECT secret FROM control_secrets WHERE name = 'submitter';
