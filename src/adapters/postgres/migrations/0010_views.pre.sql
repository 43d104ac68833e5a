-- The views. Every row holds for the positions from `valid_from` up to, not including, `valid_to`;
-- NULL is until now. The past is a WHERE, and dropping rows and checkpoint rebuilds them from the
-- ledger. Columns are those of `Row` in src/projections/<table>.py, with `position` as valid_from.

CREATE TABLE time_entries (
    log_id              integer     NOT NULL,
    entry_id            bigint      NOT NULL,
    valid_from          bigint      NOT NULL,
    valid_to            bigint,
    version             bigint      NOT NULL,
    connector_id        bigint      NOT NULL,
    source_id           bigint      NOT NULL,
    state               text        NOT NULL,
    reason_code         text,
    conflict_id         bigint,
    timesheet_id        bigint,
    vanished            boolean     NOT NULL,
    entry_date          date        NOT NULL,
    minutes             numeric,
    updated_at          timestamptz NOT NULL,
    last_run_id         bigint,
    facts               json        NOT NULL,
    ticket_id           bigint,
    source_updated_at   timestamptz,
    ticket_number       text COLLATE "C",
    ticket_title        text,
    activity_name       text,
    customer_id         bigint,
    customer_name       text,
    organization_name   text,
    user_id             bigint,
    user_name           text,
    user_email          text,
    description         text,
    description_subject text,
    target_description  text,
    target_subject      text,
    decided_with        text,
    PRIMARY KEY (log_id, entry_id, valid_from)
);
CREATE UNIQUE INDEX time_entries_live ON time_entries (log_id, entry_id) WHERE valid_to IS NULL;
CREATE INDEX time_entries_by_date ON time_entries (log_id, entry_date, entry_id)
    WHERE valid_to IS NULL;
CREATE INDEX time_entries_by_update ON time_entries (log_id, updated_at, entry_id)
    WHERE valid_to IS NULL;
CREATE INDEX time_entries_by_ticket ON time_entries (log_id, ticket_id) WHERE valid_to IS NULL;
CREATE INDEX time_entries_unsettled ON time_entries (log_id, connector_id)
    WHERE valid_to IS NULL AND state IN ('pending', 'writing', 'conflict', 'failed');

CREATE TABLE sync_runs (
    log_id              integer     NOT NULL,
    run_id              bigint      NOT NULL,
    valid_from          bigint      NOT NULL,
    valid_to            bigint,
    version             bigint      NOT NULL,
    first_position      bigint      NOT NULL,
    state               text        NOT NULL,
    trigger_type        text        NOT NULL,
    cause_kind          text        NOT NULL,
    cause_name          text        NOT NULL,
    source_connector_id bigint      NOT NULL,
    target_connector_id bigint      NOT NULL,
    start_date          date,
    end_date            date,
    begun_at            timestamptz NOT NULL,
    ended_at            timestamptz,
    phase               text        NOT NULL,
    done                bigint      NOT NULL,
    total               bigint      NOT NULL,
    counters            json        NOT NULL,
    watermark           timestamptz,
    error               text,
    correlation_id      text        NOT NULL,
    PRIMARY KEY (log_id, run_id, valid_from)
);
CREATE UNIQUE INDEX sync_runs_live ON sync_runs (log_id, run_id) WHERE valid_to IS NULL;
CREATE INDEX sync_runs_by_start ON sync_runs (log_id, begun_at) WHERE valid_to IS NULL;

-- Rows of the audit never change: valid_from is the event's position and the row's identity.
CREATE TABLE audit_log (
    log_id           integer     NOT NULL,
    valid_from       bigint      NOT NULL,
    valid_to         bigint      CHECK (valid_to IS NULL),
    action           text        NOT NULL,
    entity_type      text,
    entity_id        bigint,
    "user"           text,
    user_subject     text,
    user_id          bigint,
    ip_address       text,
    user_agent       text,
    details          json        NOT NULL,
    changes          json        NOT NULL,
    subject          text,
    personal_details json        NOT NULL,
    personal_changes json        NOT NULL,
    created_at       timestamptz NOT NULL,
    correlation_id   text        NOT NULL,
    run_id           bigint,
    digest           text        NOT NULL,
    PRIMARY KEY (log_id, valid_from)
);
CREATE INDEX audit_log_by_time ON audit_log (log_id, created_at);
CREATE INDEX audit_log_by_run ON audit_log (log_id, run_id) WHERE run_id IS NOT NULL;
CREATE INDEX audit_log_by_correlation ON audit_log (log_id, correlation_id);
CREATE INDEX audit_log_by_entity ON audit_log (log_id, entity_type, entity_id);

CREATE TABLE connectors (
    log_id             integer     NOT NULL,
    connector_id       bigint      NOT NULL,
    valid_from         bigint      NOT NULL,
    valid_to           bigint,
    version            bigint      NOT NULL,
    kind               text        NOT NULL,
    name               text        NOT NULL,
    base_url           text        NOT NULL,
    is_active          boolean     NOT NULL,
    settings           json        NOT NULL,
    token_set          boolean     NOT NULL,
    webhook_secret_set boolean     NOT NULL,
    health             text        NOT NULL,
    health_message     text,
    health_checked_at  timestamptz,
    created_at         timestamptz NOT NULL,
    updated_at         timestamptz NOT NULL,
    retired_at         timestamptz,
    PRIMARY KEY (log_id, connector_id, valid_from)
);
CREATE UNIQUE INDEX connectors_live ON connectors (log_id, connector_id) WHERE valid_to IS NULL;

CREATE TABLE mappings (
    log_id              integer     NOT NULL,
    mapping_id          bigint      NOT NULL,
    valid_from          bigint      NOT NULL,
    valid_to            bigint,
    version             bigint      NOT NULL,
    zammad_type_id      bigint,
    zammad_type_name    text        NOT NULL,
    kimai_activity_id   bigint      NOT NULL,
    kimai_activity_name text        NOT NULL,
    is_active           boolean     NOT NULL,
    billable            boolean,
    created_at          timestamptz NOT NULL,
    updated_at          timestamptz NOT NULL,
    PRIMARY KEY (log_id, mapping_id, valid_from)
);
CREATE UNIQUE INDEX mappings_live ON mappings (log_id, mapping_id) WHERE valid_to IS NULL;

CREATE TABLE user_mappings (
    log_id            integer     NOT NULL,
    mapping_id        bigint      NOT NULL,
    valid_from        bigint      NOT NULL,
    valid_to          bigint,
    version           bigint      NOT NULL,
    zammad_user_id    bigint,
    zammad_user_name  text,
    zammad_user_email text,
    kimai_user_id     bigint      NOT NULL,
    kimai_user_name   text,
    is_active         boolean     NOT NULL,
    origin            text        NOT NULL,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    PRIMARY KEY (log_id, mapping_id, valid_from)
);
CREATE UNIQUE INDEX user_mappings_live ON user_mappings (log_id, mapping_id)
    WHERE valid_to IS NULL;

CREATE TABLE project_mappings (
    log_id            integer     NOT NULL,
    mapping_id        bigint      NOT NULL,
    valid_from        bigint      NOT NULL,
    valid_to          bigint,
    version           bigint      NOT NULL,
    source_kind       text        NOT NULL,
    source_id         bigint      NOT NULL,
    source_name       text,
    customer_name     text,
    kimai_customer_id bigint,
    kimai_project_id  bigint,
    is_active         boolean     NOT NULL,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    PRIMARY KEY (log_id, mapping_id, valid_from)
);
CREATE UNIQUE INDEX project_mappings_live ON project_mappings (log_id, mapping_id)
    WHERE valid_to IS NULL;

CREATE TABLE users (
    log_id     integer     NOT NULL,
    user_id    bigint      NOT NULL,
    valid_from bigint      NOT NULL,
    valid_to   bigint,
    version    bigint      NOT NULL,
    username   text,
    email      text,
    full_name  text,
    role       text        NOT NULL,
    is_active  boolean     NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (log_id, user_id, valid_from)
);
CREATE UNIQUE INDEX users_live ON users (log_id, user_id) WHERE valid_to IS NULL;

-- Where a projection stopped: it stands still at the event before until somebody says retry.
CREATE TABLE projection_failure (
    log_id     integer     NOT NULL,
    projection text        NOT NULL,
    version    integer     NOT NULL,
    position   bigint      NOT NULL,
    error      text        NOT NULL,
    failed_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (log_id, projection, version)
);
