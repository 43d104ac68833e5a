-- What failed, and what of it for good.

CREATE TABLE dead_letters (
    log_id          integer     NOT NULL,
    entry_id        bigint      NOT NULL,
    valid_from      bigint      NOT NULL,
    valid_to        bigint,
    version         bigint      NOT NULL,
    dead            boolean     NOT NULL,
    reason_code     text,
    message         text,
    attempts        bigint      NOT NULL,
    first_failed_at timestamptz NOT NULL,
    last_failed_at  timestamptz NOT NULL,
    PRIMARY KEY (log_id, entry_id, valid_from)
);
CREATE UNIQUE INDEX dead_letters_live ON dead_letters (log_id, entry_id) WHERE valid_to IS NULL;
CREATE INDEX dead_letters_dead ON dead_letters (log_id, last_failed_at, entry_id)
    WHERE valid_to IS NULL AND dead;
