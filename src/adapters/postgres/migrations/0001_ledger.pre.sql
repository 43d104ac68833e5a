-- The ledger. `log_id` leads every key: one log is the unit that can move to another server.
-- `data` and `meta` are json, not jsonb: the canonical text is kept byte for byte for the digest.

CREATE TABLE event (
    log_id         integer     NOT NULL,
    position       bigint      NOT NULL CHECK (position > 0),
    stream_id      uuid        NOT NULL,
    version        bigint      NOT NULL CHECK (version > 0),
    event_id       uuid        NOT NULL,
    type           text        NOT NULL,
    schema_version integer     NOT NULL,
    occurred_at    timestamptz NOT NULL,
    recorded_at    timestamptz NOT NULL,
    data           json        NOT NULL,
    meta           json        NOT NULL,
    digest         bytea       NOT NULL CHECK (octet_length(digest) = 32),
    PRIMARY KEY (log_id, position),
    UNIQUE (log_id, stream_id, version)
);

-- One row per stream, written with its first event. `version` is the one before the first event
-- held here: 0, until a log whose past was moved away begins later.
CREATE TABLE stream (
    log_id    integer NOT NULL,
    stream_id uuid    NOT NULL,
    name      text    NOT NULL,
    kind      text    NOT NULL,
    version   bigint  NOT NULL DEFAULT 0,
    PRIMARY KEY (log_id, stream_id)
);

-- Delivery and command keys already taken, and the last event each of them wrote.
CREATE TABLE seen (
    log_id   integer NOT NULL,
    key      text    NOT NULL,
    position bigint  NOT NULL,
    PRIMARY KEY (log_id, key)
);

-- What commands need to be unique, projected in the append transaction. Holds the present only.
CREATE TABLE claim (
    log_id    integer NOT NULL,
    claim     text    NOT NULL,
    stream_id uuid    NOT NULL,
    position  bigint  NOT NULL,
    PRIMARY KEY (log_id, claim)
);

-- One key per person and generation, wrapped under the service's encryption key.
-- `wrapped` is NULL once the person was erased; the row stays, so that no generation returns.
CREATE TABLE subject_key (
    log_id     integer     NOT NULL,
    subject    text        NOT NULL,
    generation integer     NOT NULL,
    wrapped    bytea,
    made_at    timestamptz NOT NULL DEFAULT now(),
    erased_at  timestamptz,
    PRIMARY KEY (log_id, subject, generation),
    CHECK ((wrapped IS NULL) = (erased_at IS NOT NULL))
);

-- Insert-only, the newest wins, pruned by the projection's runner.
CREATE TABLE checkpoint (
    projection text        NOT NULL,
    version    integer     NOT NULL,
    log_id     integer     NOT NULL,
    position   bigint      NOT NULL,
    made_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (log_id, projection, version, position)
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: % on % refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON stream
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON seen
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
-- ALWAYS: also under session_replication_role = replica.
ALTER TABLE event  ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE stream ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE seen   ENABLE ALWAYS TRIGGER append_only;

-- Appends a batch of commands in one transaction, each answered by itself:
--   ok         positions/versions: where its last event is
--   duplicate  its key was seen before: where the events of that time are
--   conflict   versions: where the stream is instead of at `expected`
--   claimed    holders: '<claim>', and the name of the stream that has it
-- Streams are passed once each; commands, claims and events point to them by index, counted from
-- 1. `event_content` is the content hashes of all events, 32 bytes each, one after the other; they
-- come from the caller, so the lock is held only for what needs the head.
CREATE FUNCTION append_events(
    log integer,
    stream_ids uuid[], stream_names text[], stream_kinds text[],
    command_stream integer[], command_expected bigint[], command_key text[],
    command_events integer[],
    claim_command integer[], claim_value text[],
    release_command integer[], release_value text[],
    event_type text[], event_schema integer[], event_occurred text[],
    event_data text[], event_meta text[], event_content bytea,
    OUT statuses text[], OUT positions bigint[], OUT versions bigint[],
    OUT taken text[], OUT holders text[]
) LANGUAGE plpgsql AS $$
DECLARE
    head bigint;
    chain bytea;
    recorded timestamptz;
    stamp bytea;
    now_at bigint[];             -- version per stream
    begun bigint[];              -- the same before this batch
    event_stream integer[];      -- per event; NULL when its command was refused
    event_position bigint[];
    event_version bigint[];
    event_digest bytea[];
    total integer := cardinality(event_type);
    has_keys boolean := cardinality(array_remove(command_key, NULL)) > 0;
    has_claims boolean := cardinality(claim_command) > 0 OR cardinality(release_command) > 0;
    commands integer := cardinality(command_stream);
    e integer := 0;              -- events before the present command
    s integer;
    at_version bigint;
    known bigint;
    claim_taken text;
    claim_holder text;
    written bigint;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'appending needs READ COMMITTED: an older snapshot would miss the head';
    END IF;
    PERFORM pg_advisory_xact_lock(21580, log);  -- 0x544C, "TL"
    SELECT v.position, v.digest, greatest(clock_timestamp(), v.recorded_at)
      INTO head, chain, recorded
      FROM event AS v WHERE v.log_id = log ORDER BY v.position DESC LIMIT 1;
    IF head IS NULL THEN
        head := 0;
        chain := decode(repeat('00', 32), 'hex');
        recorded := clock_timestamp();
    END IF;
    written := head;
    stamp := int8send((extract(epoch FROM recorded) * 1000000)::bigint);
    now_at := ARRAY(
        SELECT coalesce((SELECT v.version FROM event AS v
                          WHERE v.log_id = log AND v.stream_id = t.id
                          ORDER BY v.version DESC LIMIT 1), 0)
          FROM unnest(stream_ids) WITH ORDINALITY AS t(id, n) ORDER BY t.n);
    begun := now_at;
    -- Full length from the start: an array first assigned at 3 would begin at 3.
    statuses := array_fill(NULL::text, ARRAY[commands]);
    positions := array_fill(NULL::bigint, ARRAY[commands]);
    versions := positions;
    taken := statuses;
    holders := statuses;
    event_stream := array_fill(NULL::integer, ARRAY[total]);
    event_position := array_fill(NULL::bigint, ARRAY[total]);
    event_version := event_position;
    event_digest := array_fill(NULL::bytea, ARRAY[total]);

    FOR c IN 1 .. commands LOOP
        s := command_stream[c];
        at_version := now_at[s];
        IF has_keys AND command_key[c] IS NOT NULL THEN
            SELECT k.position INTO known FROM seen AS k
             WHERE k.log_id = log AND k.key = command_key[c];
            IF FOUND THEN
                statuses[c] := 'duplicate';
                positions[c] := known;
                -- The event may be of this very batch, not inserted yet.
                IF known > written THEN
                    versions[c] := event_version[array_position(event_position, known)];
                ELSE
                    SELECT v.version INTO at_version FROM event AS v
                     WHERE v.log_id = log AND v.position = known;
                    versions[c] := at_version;
                END IF;
                e := e + command_events[c];
                CONTINUE;
            END IF;
        END IF;
        IF command_expected[c] <> at_version THEN
            statuses[c] := 'conflict';
            versions[c] := at_version;
            e := e + command_events[c];
            CONTINUE;
        END IF;
        IF has_claims THEN
            SELECT k.claim, coalesce(n.name, stream_names[array_position(stream_ids, k.stream_id)])
              INTO claim_taken, claim_holder
              FROM claim AS k
              LEFT JOIN stream AS n ON n.log_id = log AND n.stream_id = k.stream_id
             WHERE k.log_id = log AND k.stream_id <> stream_ids[s]
               AND k.claim IN (SELECT u.v FROM unnest(claim_command, claim_value) AS u(i, v)
                                WHERE u.i = c)
               AND k.claim NOT IN (SELECT u.v FROM unnest(release_command, release_value) AS u(i, v)
                                    WHERE u.i = c)
             LIMIT 1;
            IF FOUND THEN
                statuses[c] := 'claimed';
                taken[c] := claim_taken;
                holders[c] := claim_holder;
                e := e + command_events[c];
                CONTINUE;
            END IF;
            DELETE FROM claim AS k WHERE k.log_id = log AND k.claim IN (
                SELECT u.v FROM unnest(release_command, release_value) AS u(i, v) WHERE u.i = c);
            INSERT INTO claim (log_id, claim, stream_id, position)
                SELECT log, u.v, stream_ids[s], head + command_events[c]
                  FROM unnest(claim_command, claim_value) AS u(i, v) WHERE u.i = c
                ON CONFLICT DO NOTHING;
        END IF;
        FOR i IN e + 1 .. e + command_events[c] LOOP
            head := head + 1;
            at_version := at_version + 1;
            chain := sha256(chain || int8send(head) || int8send(at_version) || stamp
                            || substring(event_content FROM 32 * i - 31 FOR 32));
            event_stream[i] := s;
            event_position[i] := head;
            event_version[i] := at_version;
            event_digest[i] := chain;
        END LOOP;
        e := e + command_events[c];
        now_at[s] := at_version;
        IF has_keys AND command_key[c] IS NOT NULL THEN
            INSERT INTO seen (log_id, key, position) VALUES (log, command_key[c], head);
        END IF;
        statuses[c] := 'ok';
        positions[c] := head;
        versions[c] := at_version;
    END LOOP;

    IF head > written THEN
        INSERT INTO stream (log_id, stream_id, name, kind)
            SELECT log, t.id, t.name, t.kind
              FROM unnest(stream_ids, stream_names, stream_kinds, begun, now_at)
                   AS t(id, name, kind, before, after)
             WHERE t.before = 0 AND t.after > 0;
        INSERT INTO event (log_id, position, stream_id, version, event_id, type, schema_version,
                           occurred_at, recorded_at, data, meta, digest)
            SELECT log, v.position, t.id, v.version,
                   -- RFC 9562, B.2: a name-based UUID of version 8 over SHA-256
                   encode(set_byte(set_byte(i.h, 6, get_byte(i.h, 6) & 15 | 128),
                                   8, get_byte(i.h, 8) & 63 | 128), 'hex')::uuid,
                   v.type, v.schema, v.occurred::timestamptz, recorded, v.data::json,
                   v.meta::json, v.digest
              FROM unnest(event_stream, event_position, event_version, event_type, event_schema,
                          event_occurred, event_data, event_meta, event_digest)
                   AS v(stream, position, version, type, schema, occurred, data, meta, digest)
              JOIN unnest(stream_ids) WITH ORDINALITY AS t(id, n) ON t.n = v.stream
             CROSS JOIN LATERAL (
                   SELECT substring(sha256(uuid_send(t.id) || int8send(v.version)) FOR 16) AS h
                   OFFSET 0) AS i;
        PERFORM pg_notify('timeledger', log || ':' || head);
    END IF;
END $$;

-- The last position recorded at or before an instant: recorded_at never goes back along positions.
CREATE FUNCTION position_at(log integer, instant timestamptz) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
DECLARE
    low bigint := 0;
    high bigint;
    middle bigint;
    recorded timestamptz;
BEGIN
    SELECT coalesce(max(v.position), 0) INTO high FROM event AS v WHERE v.log_id = log;
    WHILE low < high LOOP
        middle := (low + high + 1) / 2;
        SELECT v.recorded_at INTO recorded FROM event AS v
         WHERE v.log_id = log AND v.position = middle;
        IF recorded <= instant THEN low := middle; ELSE high := middle - 1; END IF;
    END LOOP;
    RETURN low;
END $$;

-- The five columns of the eventsourcing library, so that its recorders and tools read our ledger.
-- Another log than 1: SET timeledger.log_id.
CREATE VIEW stored_events AS
    SELECT stream_id AS originator_id,
           version AS originator_version,
           type AS topic,
           convert_to('{"class_version":' || schema_version || ',"data":' || data::text
                      || ',"metadata":' || meta::text || '}', 'UTF8') AS state,
           position AS notification_id
      FROM event
     WHERE log_id = coalesce(nullif(current_setting('timeledger.log_id', true), ''), '1')::integer;
