-- What a rule left alone is decided again when the settings have changed, so a run asks for it too.

DROP INDEX time_entries_unsettled;
CREATE INDEX time_entries_unsettled ON time_entries (log_id, connector_id)
    WHERE valid_to IS NULL AND state IN ('pending', 'writing', 'conflict', 'failed', 'ignored');
