-- What must never stand in the ledger. A row counts only once an event names it, so it is written
-- first: after a crash in between it is an orphan that nobody looks at, and is swept up.

CREATE TABLE secret (
    log_id      integer     NOT NULL,
    owner       text        NOT NULL,  -- stream of the connector
    fingerprint text        NOT NULL,
    key_id      text        NOT NULL,  -- which encryption key opens it
    ciphertext  bytea       NOT NULL,
    stored_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (log_id, owner, fingerprint)
);

CREATE TABLE credential (
    log_id     integer     NOT NULL,
    credential text        NOT NULL,
    user_id    bigint      NOT NULL,
    login      text        NOT NULL,  -- digest of the user name
    hash       text        NOT NULL,  -- argon2id
    stored_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (log_id, credential)
);
CREATE INDEX credential_by_login ON credential (log_id, login);

-- Failures of the last minutes, by digests of account and address: nothing to read here.
CREATE TABLE login_failure (
    log_id  integer     NOT NULL,
    account text        NOT NULL,
    address text        NOT NULL,
    at      timestamptz NOT NULL
);
CREATE INDEX login_failure_by_account ON login_failure (log_id, account, at);
CREATE INDEX login_failure_by_address ON login_failure (log_id, address, at);

CREATE TABLE revoked_token (
    log_id     integer     NOT NULL,
    token_id   text        NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (log_id, token_id)
);
