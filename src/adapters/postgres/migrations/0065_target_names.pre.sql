-- What Kimai calls projects and activities, by item and time.

CREATE TABLE target_names (
    log_id       integer NOT NULL,
    item_key     bigint  NOT NULL,
    valid_from   bigint  NOT NULL,
    valid_to     bigint,
    version      bigint  NOT NULL,
    name         text,
    name_subject text,
    parent_id    bigint,
    PRIMARY KEY (log_id, item_key, valid_from)
);
CREATE UNIQUE INDEX target_names_live ON target_names (log_id, item_key) WHERE valid_to IS NULL;
