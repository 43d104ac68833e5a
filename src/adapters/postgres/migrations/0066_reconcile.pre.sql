-- Reconcile: which rows it shows, and conflicts with all that people said about them.

ALTER TABLE time_entries ADD COLUMN row_status text;
CREATE INDEX time_entries_open ON time_entries (log_id, row_status, conflict_id)
    WHERE valid_to IS NULL AND conflict_id IS NOT NULL;
CREATE INDEX time_entries_open_reason ON time_entries (log_id, row_status, reason_code, conflict_id)
    WHERE valid_to IS NULL AND conflict_id IS NOT NULL;
CREATE INDEX time_entries_matched ON time_entries (log_id, valid_from)
    WHERE valid_to IS NULL AND row_status = 'match';
CREATE INDEX time_entries_matched_ticket ON time_entries (log_id, ticket_number, valid_from)
    WHERE row_status = 'match';
-- The past: few rows were open at a time, though many were at some time; of matches the newest
-- ones of then lie together.
CREATE INDEX time_entries_were_open ON time_entries
    USING gist (int8range(valid_from, valid_to)) WHERE conflict_id IS NOT NULL;
CREATE INDEX time_entries_were_matched ON time_entries (log_id, valid_from)
    WHERE row_status = 'match';

CREATE TABLE conflicts (
    log_id              integer     NOT NULL,
    entry_id            bigint      NOT NULL,
    valid_from          bigint      NOT NULL,
    valid_to            bigint,
    version             bigint      NOT NULL,
    conflict_id         bigint      NOT NULL,
    status              text        NOT NULL,
    reason_code         text        NOT NULL,
    cause               text,
    detail              text        NOT NULL,
    others              json        NOT NULL,
    action              text,
    opened_at           timestamptz NOT NULL,
    resolved_at         timestamptz,
    resolved_by         text,
    resolved_by_subject text,
    notes               text,
    PRIMARY KEY (log_id, entry_id, valid_from)
);
CREATE UNIQUE INDEX conflicts_live ON conflicts (log_id, entry_id) WHERE valid_to IS NULL;
CREATE INDEX conflicts_by_number ON conflicts (log_id, conflict_id, valid_from);
CREATE INDEX conflicts_by_status ON conflicts (log_id, status, conflict_id);
CREATE INDEX conflicts_by_begin ON conflicts (log_id, valid_from);
CREATE INDEX conflicts_pending ON conflicts (log_id, conflict_id)
    WHERE valid_to IS NULL AND status = 'pending';
CREATE INDEX conflicts_were_pending ON conflicts
    USING gist (int8range(valid_from, valid_to)) WHERE status = 'pending';
