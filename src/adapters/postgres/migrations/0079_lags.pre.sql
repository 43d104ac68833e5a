-- How long a write took, beside the version of the entry that it made; both in whole seconds.

ALTER TABLE time_entries ADD COLUMN lag_seen bigint;
ALTER TABLE time_entries ADD COLUMN lag_booked bigint;
