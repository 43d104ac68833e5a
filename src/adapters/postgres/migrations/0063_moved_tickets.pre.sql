-- How far Zammad's tickets were looked at.

ALTER TABLE sync_runs ADD COLUMN ticket_watermark timestamptz;
