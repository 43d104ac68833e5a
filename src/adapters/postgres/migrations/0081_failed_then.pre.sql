-- What had failed at a moment of the past: few among all that ever was.

CREATE INDEX deliveries_failed ON deliveries (log_id, receipt) WHERE status = 'failed';
CREATE INDEX dead_letters_ever ON dead_letters (log_id, valid_from) WHERE dead;
