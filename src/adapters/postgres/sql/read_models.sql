-- What people and the sync ask of the views. $1 is the log, $2 the position as of which, or NULL.
-- {held} says which rows hold then; {what} and {tail} are columns or counts, and order and bounds;
-- {where} are the conditions that were asked for.

-- name: held_now
($2::bigint IS NULL AND valid_to IS NULL)

-- name: held_then
(valid_from <= $2 AND (valid_to IS NULL OR valid_to > $2))

-- name: rows
SELECT {what} FROM {table} WHERE log_id = $1 AND {held} {tail}

-- name: connectors
SELECT {what} FROM connectors
 WHERE log_id = $1 AND {held} AND ($3 OR retired_at IS NULL) {tail}

-- name: mappings
SELECT {what} FROM {table}
 WHERE log_id = $1 AND {held} AND ($3::boolean IS NULL OR is_active = $3) {tail}

-- name: runs
SELECT {what} FROM sync_runs
 WHERE log_id = $1 AND {held}
   AND ($3::text[] IS NULL OR state = ANY($3))
   AND ($4::text IS NULL OR state = $4)
   AND ($5::text IS NULL OR trigger_type = $5)
   AND ($6::timestamptz IS NULL OR begun_at >= $6)
   AND ($7::timestamptz IS NULL OR begun_at < $7)
   AND ($8::bigint IS NULL OR run_id = $8)
   AND ($9::text IS NULL OR strpos(lower(error), lower($9)) > 0)
 {tail}

-- name: entries
SELECT {what} FROM time_entries WHERE log_id = $1 AND {held}{where} {tail}

-- name: few_entries
-- Found first and sorted then: who walks along the order instead may look at all to find a few.
WITH found AS MATERIALIZED (
    SELECT {what} FROM time_entries WHERE log_id = $1 AND {held}{where})
SELECT {what} FROM found WHERE true {tail}

-- name: audit
-- Rows never end.
SELECT {what} FROM audit_log
 WHERE log_id = $1 AND ($2::bigint IS NULL OR valid_from <= $2){where} {tail}

-- name: connectors_in_use
SELECT source_connector_id, target_connector_id FROM sync_runs
 WHERE log_id = $1 AND valid_to IS NULL AND state IN ('queued', 'running', 'cancelling')
