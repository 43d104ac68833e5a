DROP INDEX time_entries_open, time_entries_open_reason;
