-- What rows of views add up to, and since when an entry waits: for the dashboard's figures.
-- Rows of a tally hold for positions as those of a view do; `valid_from` is the end of a block.

CREATE TABLE totals (
    log_id     integer NOT NULL,
    tally      text    NOT NULL,
    key        bigint  NOT NULL,
    valid_from bigint  NOT NULL,
    valid_to   bigint,
    amounts    json    NOT NULL,
    PRIMARY KEY (log_id, tally, key, valid_from)
);
CREATE UNIQUE INDEX totals_live ON totals (log_id, tally, key) WHERE valid_to IS NULL;

ALTER TABLE time_entries ADD COLUMN pending_since timestamptz;
CREATE INDEX time_entries_waiting ON time_entries (log_id, pending_since)
    WHERE valid_to IS NULL AND pending_since IS NOT NULL;
-- What waited at a past position mostly went on soon after it.
CREATE INDEX time_entries_waited ON time_entries (log_id, valid_to)
    WHERE valid_to IS NOT NULL AND pending_since IS NOT NULL;

CREATE INDEX sync_runs_completed ON sync_runs (log_id, ended_at) WHERE state = 'completed';
