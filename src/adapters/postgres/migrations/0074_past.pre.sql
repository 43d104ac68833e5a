-- What a run did to each entry, one row per event that says so; and what changed between two
-- positions, found by where the versions of a row begin and end.

CREATE TABLE run_entries (
    log_id       integer NOT NULL,
    valid_from   bigint  NOT NULL,
    valid_to     bigint,
    run_id       bigint  NOT NULL,
    entry_id     bigint  NOT NULL,
    action       text    NOT NULL,
    weight       bigint  NOT NULL,
    timesheet_id bigint,
    reason_code  text,
    message      text,
    PRIMARY KEY (log_id, valid_from)
);
CREATE INDEX run_entries_by_run ON run_entries (log_id, run_id, entry_id, weight, valid_from);
CREATE INDEX run_entries_by_action ON run_entries (log_id, run_id, action, entry_id);

CREATE INDEX time_entries_begun ON time_entries (log_id, valid_from);
CREATE INDEX time_entries_ended ON time_entries (log_id, valid_to) WHERE valid_to IS NOT NULL;
CREATE INDEX sync_runs_begun ON sync_runs (log_id, valid_from);
CREATE INDEX sync_runs_ended ON sync_runs (log_id, valid_to) WHERE valid_to IS NOT NULL;
