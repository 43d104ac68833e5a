-- Webhook deliveries. $1 is the log; where {held} stands, $2 is NULL or a position of the past.

-- name: held_now
($2::bigint IS NULL AND valid_to IS NULL)

-- name: held_then
(receipt <= $2 AND valid_from <= $2 AND (valid_to IS NULL OR valid_to > $2))

-- name: any_status
($3::text IS NULL OR status = $3)

-- name: failed
-- As the index of the few says it, else it is not used.
($3::text = 'failed' AND status = 'failed')

-- name: page
-- $3 a status, $4 a ticket, $5 the place before which to go on; NULL is any. $6 how many.
SELECT {selected} FROM deliveries
 WHERE log_id = $1 AND {held}
   AND {status}
   AND ($4::bigint IS NULL OR ticket_id = $4)
   AND ($5::bigint IS NULL OR receipt < $5)
 ORDER BY receipt DESC LIMIT $6

-- name: waiting
-- Those whose look may begin at $2 or before, the oldest wish first, at most $3.
SELECT {selected} FROM deliveries
 WHERE log_id = $1 AND valid_to IS NULL AND status = 'received'
   AND (again_at IS NULL OR again_at <= $2)
 ORDER BY asked_at LIMIT $3

-- name: due
-- When the next look may begin, 'epoch' for at once; no row when nothing waits.
SELECT coalesce(again_at, 'epoch') FROM deliveries
 WHERE log_id = $1 AND valid_to IS NULL AND status = 'received'
 ORDER BY again_at NULLS FIRST LIMIT 1

-- name: covered
-- Those on the tickets $2 that were asked for before position $3, still wait, and know nothing yet
-- of run $4.
SELECT {selected} FROM deliveries
 WHERE log_id = $1 AND valid_to IS NULL AND status = 'received'
   AND ticket_id = ANY($2::bigint[]) AND asked_at < $3
   AND (run_id IS NULL OR run_id < $4)
 ORDER BY receipt

-- name: looks
-- The newest looks that ended after position $2, at most $3.
SELECT run_id FROM sync_runs
 WHERE log_id = $1 AND valid_to IS NULL AND trigger_type = 'webhook'
   AND state IN ('completed', 'failed', 'cancelled') AND valid_from > $2
 ORDER BY run_id DESC LIMIT $3

-- name: last_look
-- When the newest look was begun, or asked for.
SELECT begun_at FROM sync_runs
 WHERE log_id = $1 AND valid_to IS NULL AND trigger_type = 'webhook'
 ORDER BY run_id DESC LIMIT 1

-- name: oldest
-- Where the oldest of those that wait arrived; NULL when none does.
SELECT min(receipt) FROM deliveries
 WHERE log_id = $1 AND valid_to IS NULL AND status = 'received'

-- name: last_of_connectors
SELECT max(received_at) FROM deliveries
 WHERE log_id = $1 AND valid_to IS NULL AND status <> 'rejected' AND connector_id = $2

-- name: counts
-- Those that arrived after position $3.
SELECT status, count(*) FROM deliveries
 WHERE log_id = $1 AND {held} AND receipt > $3 GROUP BY status

-- name: newest_ticket
SELECT ticket_id FROM time_entries
 WHERE log_id = $1 AND valid_to IS NULL AND ticket_id IS NOT NULL
 ORDER BY updated_at DESC LIMIT 1
