-- The schedule, and how far its due times were seen to.

CREATE TABLE schedule (
    log_id        integer     NOT NULL,
    schedule_id   bigint      NOT NULL,
    valid_from    bigint      NOT NULL,
    valid_to      bigint,
    version       bigint      NOT NULL,
    cron          text        NOT NULL,
    timezone      text        NOT NULL,
    concurrency   text        NOT NULL,
    notifications boolean     NOT NULL,
    enabled       boolean     NOT NULL,
    changed_at    timestamptz NOT NULL,
    seen_to       timestamptz,
    PRIMARY KEY (log_id, schedule_id, valid_from)
);
CREATE UNIQUE INDEX schedule_live ON schedule (log_id, schedule_id) WHERE valid_to IS NULL;
