-- Dead letters. $1 is the log, $2 a reason code, $3 an instant before which the last try was,
-- $4 a group, $5 a cause, $6 a kind; NULL is any. $7 is NULL or a position of the past. {what} and
-- {tail} are columns or counts, and order and bounds. A group is what has one cause: its text
-- without the numbers that differ from one to the next.

-- name: group_of
regexp_replace(regexp_replace(message, '/[0-9]+', '/…', 'g'), '^[0-9]+ requests', 'Requests')

-- name: held_now
($7::bigint IS NULL AND valid_to IS NULL)

-- name: held_then
(valid_from <= $7 AND (valid_to IS NULL OR valid_to > $7))

-- name: dead
SELECT {what} FROM (
    SELECT 'entry' AS kind, entry_id AS number, NULL AS delivery_id, reason_code, cause, message,
           attempts, first_failed_at, last_failed_at
      FROM dead_letters
     WHERE log_id = $1 AND {held} AND dead
     UNION ALL
    SELECT 'delivery', receipt, delivery_id, reason_code, NULL, message, failures,
           first_failed_at, last_failed_at
      FROM deliveries
     WHERE log_id = $1 AND {held} AND status = 'failed') AS dead
 WHERE ($2::text IS NULL OR reason_code = $2)
   AND ($3::timestamptz IS NULL OR last_failed_at < $3)
   AND ($4::text IS NULL OR {group_of} = $4)
   AND ($5::text IS NULL OR cause = $5)
   AND ($6::text IS NULL OR kind = $6)
 {tail}
