-- How far Kimai was looked at, and the way from a timesheet back to its booking.

ALTER TABLE sync_runs ADD COLUMN target_watermark timestamptz;
ALTER TABLE sync_runs ADD COLUMN target_listed_at timestamptz;
CREATE INDEX time_entries_by_timesheet ON time_entries (log_id, timesheet_id)
    WHERE valid_to IS NULL AND timesheet_id IS NOT NULL;
