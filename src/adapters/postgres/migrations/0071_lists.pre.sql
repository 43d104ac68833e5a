-- The orders and filters of lists, so that a page costs the same whatever the ledger holds.

-- Nearly all are synced; the few others are what people filter for. Statistics do not tell how few:
-- most rows are of the past, when nearly every entry was pending once. The size of this index does.
CREATE INDEX time_entries_by_state ON time_entries (log_id, state, entry_date, entry_id)
    WHERE valid_to IS NULL AND state <> 'synced';
CREATE INDEX time_entries_by_minutes ON time_entries (log_id, (coalesce(minutes, 0)), entry_id)
    WHERE valid_to IS NULL;
CREATE INDEX time_entries_by_number
    ON time_entries (log_id, (coalesce(ticket_number, '')), entry_id) WHERE valid_to IS NULL;
CREATE INDEX time_entries_by_run ON time_entries (log_id, last_run_id, entry_date, entry_id)
    WHERE valid_to IS NULL;

CREATE INDEX audit_log_by_action ON audit_log (log_id, action, valid_from);
CREATE INDEX audit_log_by_address ON audit_log (log_id, ip_address, valid_from);
