-- What the service that started last decides by, so that a worker with another environment is told.

CREATE TABLE agreed_setting (
    log_id integer NOT NULL,
    name   text    NOT NULL,
    value  text    NOT NULL,
    PRIMARY KEY (log_id, name)
);
