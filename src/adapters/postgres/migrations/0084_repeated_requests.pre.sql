-- Requests that came with an idempotency key, and what they were answered: who never heard the
-- answer asks again with the same key and is told the same. `scope` is a digest of the account, the
-- route and the key; `answer` is sealed under ENCRYPTION_KEY, null while nobody knows it.

CREATE TABLE keyed_request (
    log_id   integer     NOT NULL,
    scope    bytea       NOT NULL,
    body     bytea       NOT NULL,  -- digest
    began_at timestamptz NOT NULL,
    answer   bytea,
    PRIMARY KEY (log_id, scope)
);

CREATE INDEX keyed_request_by_age ON keyed_request (log_id, began_at);
