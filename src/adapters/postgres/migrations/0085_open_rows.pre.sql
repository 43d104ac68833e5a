-- What waits for a person now, with the text that is looked for in it: few narrow rows beside
-- wide ones of which four are kept for each booking. Whoever writes the view writes this with it.

CREATE TABLE open_rows (
    log_id      integer NOT NULL,
    entry_id    bigint  NOT NULL,
    valid_from  bigint  NOT NULL,
    conflict_id bigint  NOT NULL,
    row_status  text    NOT NULL,
    reason_code text    NOT NULL,
    searched    text    NOT NULL,
    PRIMARY KEY (log_id, entry_id)
);
CREATE INDEX open_rows_newest ON open_rows (log_id, row_status, conflict_id);
CREATE INDEX open_rows_reason ON open_rows (log_id, row_status, reason_code, conflict_id);

-- What is looked for in a row of Reconcile. Numbers of tickets are sorted by bytes; without the
-- collation of the others, capitals such as Ä would stay what they are.
CREATE FUNCTION searched(t time_entries) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN lower(concat_ws(chr(10), t.ticket_number COLLATE "default", t.ticket_title, t.user_name,
                       t.user_email, t.organization_name, t.customer_name, t.activity_name,
                       t.description));

CREATE FUNCTION row_opened() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO open_rows
    VALUES (NEW.log_id, NEW.entry_id, NEW.valid_from, NEW.conflict_id, NEW.row_status,
            NEW.reason_code, searched(NEW))
    ON CONFLICT (log_id, entry_id) DO UPDATE
       SET valid_from = excluded.valid_from, conflict_id = excluded.conflict_id,
           row_status = excluded.row_status, reason_code = excluded.reason_code,
           searched = excluded.searched;
    RETURN NULL;
END $$;
CREATE FUNCTION row_closed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM open_rows
     WHERE log_id = OLD.log_id AND entry_id = OLD.entry_id AND valid_from = OLD.valid_from;
    RETURN NULL;
END $$;
-- Whatever was left by somebody else's hand goes too: a rebuild begins with nothing.
CREATE FUNCTION rows_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM open_rows AS o WHERE NOT EXISTS (
        SELECT FROM time_entries AS t
         WHERE t.log_id = o.log_id AND t.entry_id = o.entry_id AND t.valid_from = o.valid_from);
    RETURN NULL;
END $$;
CREATE TRIGGER row_opened AFTER INSERT ON time_entries FOR EACH ROW
    WHEN (NEW.conflict_id IS NOT NULL AND NEW.valid_to IS NULL) EXECUTE FUNCTION row_opened();
CREATE TRIGGER row_ended AFTER UPDATE OF valid_to ON time_entries FOR EACH ROW
    WHEN (OLD.conflict_id IS NOT NULL AND OLD.valid_to IS NULL AND NEW.valid_to IS NOT NULL)
    EXECUTE FUNCTION row_closed();
CREATE TRIGGER rows_deleted AFTER DELETE ON time_entries
    EXECUTE FUNCTION rows_deleted();

INSERT INTO open_rows
SELECT log_id, entry_id, valid_from, conflict_id, row_status, reason_code, searched(t)
  FROM time_entries AS t WHERE valid_to IS NULL AND conflict_id IS NOT NULL
   AND row_status IS NOT NULL AND reason_code IS NOT NULL;
