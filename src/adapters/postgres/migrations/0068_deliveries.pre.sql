-- What Zammad announced, and what became of it. A delivery's number is the position of its arrival.

CREATE TABLE deliveries (
    log_id          integer     NOT NULL,
    receipt         bigint      NOT NULL,
    valid_from      bigint      NOT NULL,
    valid_to        bigint,
    version         bigint      NOT NULL,
    delivery_id     text        NOT NULL,
    connector_id    bigint      NOT NULL,
    ticket_id       bigint,
    article_id      bigint,
    trigger         text,
    remote_ip       text,
    size            bigint      NOT NULL,
    status          text        NOT NULL,
    received_at     timestamptz NOT NULL,
    asked           bigint      NOT NULL,
    asked_at        bigint      NOT NULL,
    attempts        bigint      NOT NULL,
    failures        bigint      NOT NULL,
    duplicates      bigint      NOT NULL,
    run_id          bigint,
    reason_code     text,
    message         text,
    again_at        timestamptz,
    first_failed_at timestamptz,
    last_failed_at  timestamptz,
    PRIMARY KEY (log_id, receipt, valid_from)
);
CREATE UNIQUE INDEX deliveries_live ON deliveries (log_id, receipt) WHERE valid_to IS NULL;
CREATE INDEX deliveries_waiting ON deliveries (log_id, receipt)
    WHERE valid_to IS NULL AND status = 'received';
CREATE INDEX deliveries_due ON deliveries (log_id, again_at NULLS FIRST)
    WHERE valid_to IS NULL AND status = 'received';
CREATE INDEX deliveries_dead ON deliveries (log_id, last_failed_at, receipt)
    WHERE valid_to IS NULL AND status = 'failed';
CREATE INDEX deliveries_by_time ON deliveries (log_id, received_at) WHERE status <> 'rejected';
CREATE INDEX deliveries_of_a_ticket ON deliveries (log_id, ticket_id, receipt)
    WHERE valid_to IS NULL;
