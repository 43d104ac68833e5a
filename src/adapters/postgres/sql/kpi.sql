-- What the dashboard's figures need besides totals. $1 is the log, $2 the position as of which.

-- name: held_now
($2::bigint IS NULL AND valid_to IS NULL)

-- name: held_then
(valid_from <= $2 AND (valid_to IS NULL OR valid_to > $2))

-- name: state
SELECT (SELECT min(coalesce(c.position, 0)) FROM unnest($3::text[], $4::integer[]) AS p(name, version)
          LEFT JOIN LATERAL (
               SELECT position FROM checkpoint
                WHERE log_id = $1 AND projection = p.name AND version = p.version
                ORDER BY position DESC LIMIT 1) AS c ON true) AS position,
       (SELECT ended_at FROM sync_runs
         WHERE log_id = $1 AND state = 'completed' AND {held}
           AND trigger_type <> 'webhook' -- a look at some tickets says nothing of all others
         ORDER BY ended_at DESC LIMIT 1) AS last_sync,
       (SELECT count(*) FROM connectors
         WHERE log_id = $1 AND is_active AND retired_at IS NULL AND {held}) AS active_connectors

-- name: last_run
SELECT run_id, state, begun_at FROM sync_runs
 WHERE log_id = $1 AND {held} ORDER BY run_id DESC LIMIT 1

-- name: oldest_pending
SELECT pending_since AS since FROM time_entries
 WHERE log_id = $1 AND {held} AND pending_since IS NOT NULL
 ORDER BY pending_since LIMIT 1

-- name: oldest_pending_then
-- $3 is how many waited: those that still do, and before all others those that went on soon after.
WITH still AS (
    SELECT pending_since FROM time_entries
     WHERE log_id = $1 AND valid_to IS NULL AND pending_since IS NOT NULL AND valid_from <= $2),
went_on AS (
    SELECT pending_since FROM time_entries
     WHERE log_id = $1 AND pending_since IS NOT NULL AND valid_to > $2 AND valid_from <= $2
     ORDER BY valid_to LIMIT $3 - (SELECT count(*) FROM still))
SELECT min(pending_since) AS since FROM (TABLE still UNION ALL TABLE went_on) AS waited

-- name: late_now
-- Those that wait since before $3.
SELECT count(*) AS late FROM time_entries
 WHERE log_id = $1 AND {held} AND pending_since < $3

-- name: late_then
-- As above; $4 is how many waited.
WITH still AS (
    SELECT pending_since FROM time_entries
     WHERE log_id = $1 AND valid_to IS NULL AND pending_since IS NOT NULL AND valid_from <= $2),
went_on AS (
    SELECT pending_since FROM time_entries
     WHERE log_id = $1 AND pending_since IS NOT NULL AND valid_to > $2 AND valid_from <= $2
     ORDER BY valid_to LIMIT $4 - (SELECT count(*) FROM still))
SELECT count(*) AS late FROM (TABLE still UNION ALL TABLE went_on) AS waited
 WHERE pending_since < $3

-- name: oldest_conflict_now
-- A conflict's number is where it was opened.
SELECT opened_at FROM conflicts
 WHERE log_id = $1 AND {held} AND status = 'pending' ORDER BY conflict_id LIMIT 1

-- name: oldest_conflict_then
SELECT opened_at FROM conflicts
 WHERE log_id = $1 AND int8range(valid_from, valid_to) @> $2::bigint AND status = 'pending'
   AND conflict_id <= $2
 ORDER BY conflict_id LIMIT 1

-- name: queue
-- A job that is done leaves the table.
SELECT entrypoint, count(*) AS jobs FROM pgqueuer WHERE status IN ('queued', 'picked') GROUP BY entrypoint

-- name: deliveries
-- Those accepted after $3: how many, and how many of them were processed without error.
SELECT count(*) AS taken,
       count(*) FILTER (WHERE status = 'processed' AND failures = 0) AS well
  FROM deliveries
 WHERE log_id = $1 AND {held} AND status <> 'rejected' AND received_at > $3
