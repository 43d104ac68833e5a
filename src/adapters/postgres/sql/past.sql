-- What happened between two positions, and within a run. $1 is the log.

-- name: of_run
-- $2 the position as of which, $3 the run, $4 an action or NULL, $5 the entry after which, $6 how
-- many. The entry is shown as it was after what the row tells.
SELECT r.entry_id, r.action, r.reason_code, r.message, r.valid_from AS position,
       coalesce(r.timesheet_id, e.timesheet_id) AS timesheet_id, e.ticket_number, e.minutes
  FROM run_entries AS r
  LEFT JOIN LATERAL (
       SELECT ticket_number, minutes, timesheet_id FROM time_entries
        WHERE log_id = $1 AND entry_id = r.entry_id AND valid_from <= r.valid_from
        ORDER BY valid_from DESC LIMIT 1) AS e ON true
 WHERE r.log_id = $1 AND r.run_id = $3 AND r.entry_id > $5
   AND ($2::bigint IS NULL OR r.valid_from <= $2)
   AND ($4::text IS NULL OR r.action = $4)
   AND NOT EXISTS (
       SELECT FROM run_entries AS o
        WHERE o.log_id = $1 AND o.run_id = $3 AND o.entry_id = r.entry_id
          AND (o.weight, o.valid_from) > (r.weight, r.valid_from)
          AND ($2::bigint IS NULL OR o.valid_from <= $2))
 ORDER BY r.entry_id LIMIT $6

-- name: health
-- $2 the connector, $3 the position from which on, $4 that as of which.
SELECT DISTINCT health_checked_at AS at, health AS state, health_message AS message FROM connectors
 WHERE log_id = $1 AND connector_id = $2 AND health_checked_at IS NOT NULL
   AND (valid_to IS NULL OR valid_to > $3) AND ($4::bigint IS NULL OR valid_from <= $4)
 ORDER BY at

-- What changed from position $2 to position $3. A row that holds at $2 and ends before $3 is over has
-- a key that was touched, and so has one that begins after $2 and holds at $3: each set has a key at
-- most once, so nothing need be counted as distinct.

-- name: held_before
SELECT {key} AS number FROM {table}
 WHERE log_id = $1 AND valid_from <= $2 AND valid_to > $2 AND valid_to <= $3

-- name: held_after
SELECT {key} AS number FROM {table}
 WHERE log_id = $1 AND valid_from > $2 AND valid_from <= $3 AND (valid_to IS NULL OR valid_to > $3)

-- name: count_touched
SELECT count(*) FILTER (WHERE b.number IS NULL) AS added,
       count(*) FILTER (WHERE b.number IS NOT NULL AND a.number IS NOT NULL) AS changed,
       count(*) FILTER (WHERE a.number IS NULL) AS removed
  FROM ({held_before}) AS b FULL JOIN ({held_after}) AS a USING (number)

-- name: touched
-- $4 the key after which, $5 how many.
SELECT number FROM ({held_before} UNION {held_after}) AS t
 WHERE number > $4 ORDER BY number LIMIT $5

-- name: held_at
-- $2 the position, $3 the keys.
SELECT {selected} FROM {table}
 WHERE log_id = $1 AND {key} = ANY($3::bigint[])
   AND valid_from <= $2 AND (valid_to IS NULL OR valid_to > $2)

-- name: positions
-- $4 the keys, $5 how many at most, the newest.
SELECT number, (array_agg(position ORDER BY position DESC))[1:$5] AS positions
  FROM (SELECT {key} AS number, valid_from AS position FROM {table}
         WHERE log_id = $1 AND {key} = ANY($4::bigint[]) AND valid_from > $2 AND valid_from <= $3
        UNION
        SELECT {key}, valid_to FROM {table}
         WHERE log_id = $1 AND {key} = ANY($4::bigint[]) AND valid_to > $2 AND valid_to <= $3) AS t
 GROUP BY number

-- name: touched_conflicts
-- Something was said of them after $2, up to $3; their number is where they were opened.
SELECT conflict_id AS number, entry_id, valid_from AS position FROM conflicts
 WHERE log_id = $1 AND valid_from > $2 AND valid_from <= $3

-- name: count_conflicts
SELECT count(DISTINCT number) FILTER (WHERE number > $2) AS added,
       count(DISTINCT number) FILTER (WHERE number <= $2) AS changed, 0 AS removed
  FROM ({touched_conflicts}) AS t

-- name: conflicts
-- $4 the number after which, $5 how many.
SELECT number, entry_id, array_agg(position ORDER BY position) AS positions
  FROM ({touched_conflicts}) AS t
 WHERE number > $4 GROUP BY number, entry_id ORDER BY number LIMIT $5

-- name: recorded
-- $2 the positions.
SELECT position, type, meta FROM event WHERE log_id = $1 AND position = ANY($2::bigint[])

-- name: instant
SELECT recorded_at FROM event WHERE log_id = $1 AND position = $2
