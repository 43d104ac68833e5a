-- Webhook deliveries. $1 is the log.

-- name: page
-- $2 a status, $3 a ticket, $4 the place before which to go on; NULL is any. $5 how many.
SELECT {selected} FROM deliveries
 WHERE log_id = $1 AND valid_to IS NULL
   AND ($2::text IS NULL OR status = $2)
   AND ($3::bigint IS NULL OR ticket_id = $3)
   AND ($4::bigint IS NULL OR receipt < $4)
 ORDER BY receipt DESC LIMIT $5

-- name: waiting
-- Those whose look may begin at $2 or before, the oldest wish first, at most $3.
SELECT {selected} FROM deliveries
 WHERE log_id = $1 AND valid_to IS NULL AND status = 'received'
   AND (again_at IS NULL OR again_at <= $2)
 ORDER BY asked_at LIMIT $3

-- name: due
-- When the next look may begin, 'epoch' for at once; NULL when nothing waits.
SELECT min(coalesce(again_at, 'epoch')) FROM deliveries
 WHERE log_id = $1 AND valid_to IS NULL AND status = 'received'

-- name: covered
-- Those on the tickets $2 that were asked for before position $3 and still wait.
SELECT {selected} FROM deliveries
 WHERE log_id = $1 AND valid_to IS NULL AND status = 'received'
   AND ticket_id = ANY($2::bigint[]) AND asked_at < $3
 ORDER BY receipt

-- name: last_of_connectors
SELECT max(received_at) FROM deliveries
 WHERE log_id = $1 AND valid_to IS NULL AND status <> 'rejected' AND connector_id = $2
