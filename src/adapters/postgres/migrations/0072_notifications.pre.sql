-- Who wants to be told of what, and what happened that they may want to be told of.

CREATE TABLE channels (
    log_id      integer     NOT NULL,
    channel_id  bigint      NOT NULL,
    valid_from  bigint      NOT NULL,
    valid_to    bigint,
    version     bigint      NOT NULL,
    name        text        NOT NULL,
    kind        text        NOT NULL,
    events      json        NOT NULL,
    is_active   boolean     NOT NULL,
    facts       json        NOT NULL,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    PRIMARY KEY (log_id, channel_id, valid_from)
);
CREATE UNIQUE INDEX channels_live ON channels (log_id, channel_id) WHERE valid_to IS NULL;

-- Rows never change: valid_from is the event's position and the row's identity.
CREATE TABLE worth_telling (
    log_id      integer     NOT NULL,
    valid_from  bigint      NOT NULL,
    valid_to    bigint      CHECK (valid_to IS NULL),
    topic       text        NOT NULL,
    also        text,
    text        text        NOT NULL,
    happened_at timestamptz NOT NULL,
    PRIMARY KEY (log_id, valid_from)
);
CREATE INDEX worth_telling_by_topic ON worth_telling (log_id, topic, valid_from);
CREATE INDEX worth_telling_also ON worth_telling (log_id, also, valid_from)
    WHERE also IS NOT NULL;
