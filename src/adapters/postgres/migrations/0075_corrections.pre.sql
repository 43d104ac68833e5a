-- Entries of which timesheets that stay as they are, beside one that corrects them: they are few,
-- and looked for with every poll of Kimai.

ALTER TABLE time_entries ADD COLUMN corrected boolean NOT NULL DEFAULT false;
CREATE INDEX time_entries_corrected ON time_entries (log_id, connector_id)
    WHERE valid_to IS NULL AND corrected;
