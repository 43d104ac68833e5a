-- A try at a password counts as failed until it has succeeded, so that tries at once, in several
-- processes, do not all pass beneath the limit: each is one that its own process can take back.

ALTER TABLE login_failure ADD COLUMN attempt bigint GENERATED ALWAYS AS IDENTITY;
ALTER TABLE login_failure ADD PRIMARY KEY (log_id, attempt);
