-- What runs and plans did, among all that people did: read newest first.

CREATE INDEX audit_log_syncs ON audit_log (log_id, valid_from) WHERE starts_with(action, 'sync');
