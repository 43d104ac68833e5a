-- Plans: what a run would do. Their rows stay in the ledger and are read from there.

CREATE TABLE plans (
    log_id              integer     NOT NULL,
    plan_id             bigint      NOT NULL,
    valid_from          bigint      NOT NULL,
    valid_to            bigint,
    version             bigint      NOT NULL,
    kind                text        NOT NULL,
    state               text        NOT NULL,
    source_connector_id bigint      NOT NULL,
    target_connector_id bigint      NOT NULL,
    start_date          date,
    end_date            date,
    created_at          timestamptz NOT NULL,
    expires_at          timestamptz,
    digest              text,
    rows_after          bigint      NOT NULL,
    rows                bigint      NOT NULL,
    counts              json        NOT NULL,
    minutes             json        NOT NULL,
    fetched             bigint      NOT NULL,
    run_id              bigint,
    applied_by          bigint,
    error               text,
    moved               json        NOT NULL,
    moved_rows          bigint      NOT NULL,
    PRIMARY KEY (log_id, plan_id, valid_from)
);
CREATE UNIQUE INDEX plans_live ON plans (log_id, plan_id) WHERE valid_to IS NULL;
