-- Statements of the projection runner. $1 is always the log.
-- {table}, {key} and {selected} are put in once per view.

-- name: prepare
-- Rows and checkpoint are lost together or not at all, so nobody need wait for the disk; and a
-- plan made while a view was empty must not scan it once it has grown.
SELECT set_config(name, 'off', true)
  FROM unnest(ARRAY['synchronous_commit', 'enable_seqscan']) AS s(name)

-- name: take
-- A lock of its own statement: what is read under it must be seen by a later snapshot.
SELECT name FROM unnest($2::text[]) AS p(name)
 WHERE pg_try_advisory_xact_lock(21581, hashtext($1::integer || ':' || name))

-- name: take_waiting
SELECT pg_advisory_xact_lock(21581, hashtext($1::integer || ':' || $2::text))

-- name: standing
SELECT p.name, coalesce(c.position, 0) AS position, f.position AS failed_at, f.error
  FROM unnest($2::text[], $3::integer[]) AS p(name, version)
  LEFT JOIN LATERAL (
       SELECT position FROM checkpoint
        WHERE log_id = $1 AND projection = p.name AND version = p.version
        ORDER BY position DESC LIMIT 1) AS c ON true
  LEFT JOIN projection_failure AS f
    ON f.log_id = $1 AND f.projection = p.name AND f.version = p.version

-- name: advance
INSERT INTO checkpoint (log_id, projection, version, position)
SELECT $1, u.* FROM unnest($2::text[], $3::integer[], $4::bigint[]) AS u

-- name: prune
DELETE FROM checkpoint AS old USING unnest($2::text[], $3::integer[], $4::bigint[])
    AS kept(projection, version, position)
 WHERE old.log_id = $1 AND old.projection = kept.projection
   AND (old.version < kept.version
        OR old.version = kept.version AND old.position < kept.position)

-- name: forget_checkpoints
DELETE FROM checkpoint WHERE log_id = $1 AND projection = $2

-- name: fail
INSERT INTO projection_failure (log_id, projection, version, position, error)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (log_id, projection, version)
DO UPDATE SET position = excluded.position, error = excluded.error, failed_at = now()

-- name: forgive
DELETE FROM projection_failure WHERE log_id = $1 AND projection = $2

-- name: other_version
SELECT EXISTS (SELECT FROM checkpoint
                WHERE log_id = $1 AND projection = $2 AND version <> $3)
   AND NOT EXISTS (SELECT FROM checkpoint
                    WHERE log_id = $1 AND projection = $2 AND version = $3)

-- name: live_rows
-- The newest version of each key, by primary key. A view that grows from nothing has no statistics,
-- and every plan that may choose a partial index then reads all live rows for one of them.
SELECT {selected} FROM unnest($2::bigint[]) AS u(wanted) CROSS JOIN LATERAL (
    SELECT * FROM {table}
     WHERE log_id = $1 AND {key} = u.wanted ORDER BY valid_from DESC LIMIT 1) AS newest
 WHERE valid_to IS NULL

-- name: end_rows
UPDATE {table} AS t SET valid_to = u.until
  FROM unnest($2::bigint[], $3::bigint[], $4::bigint[]) AS u(wanted, since, until)
 CROSS JOIN LATERAL (
    SELECT ctid AS place FROM {table}
     WHERE log_id = $1 AND {key} = u.wanted AND valid_from = u.since LIMIT 1) AS live
 WHERE t.ctid = live.place AND t.valid_to IS NULL

-- name: empty
DELETE FROM {table} WHERE log_id = $1

-- name: empty_counts
DELETE FROM view_count WHERE log_id = $1 AND projection = $2

-- name: counts
-- The newest number of each name.
SELECT u.name, c.count FROM unnest($3::text[]) AS u(name) CROSS JOIN LATERAL (
    SELECT count FROM view_count
     WHERE log_id = $1 AND projection = $2 AND name = u.name
     ORDER BY valid_from DESC LIMIT 1) AS c

-- name: fingerprint
-- The same for the same rows in any order, so that a rebuilt view can be held against the old one.
SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)), 0)::text AS hash
  FROM {table} AS t WHERE log_id = $1
