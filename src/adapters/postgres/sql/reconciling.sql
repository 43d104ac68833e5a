-- Rows of Reconcile and conflicts. $1 is the log, $2 the position as of which, or NULL for now.
-- The wide rows are read for one page only: {every} gives the keys of its rows, newest first.

-- name: held_now
(t.log_id = $1 AND $2::bigint IS NULL AND t.valid_to IS NULL)

-- name: held_then
(t.log_id = $1 AND t.valid_from <= $2::bigint AND (t.valid_to IS NULL OR t.valid_to > $2::bigint))

-- name: open_now
(t.log_id = $1 AND $2::bigint IS NULL)

-- name: open_then
-- The range alone finds the few rows; with the plain number of the log the planner reads all of it.
(t.log_id + 0 = $1 AND int8range(t.valid_from, t.valid_to) @> $2::bigint AND t.conflict_id IS NOT NULL)

-- name: pending_now
(t.log_id = $1 AND $2::bigint IS NULL AND t.valid_to IS NULL AND t.status = 'pending')

-- name: pending_then
(t.log_id + 0 = $1 AND int8range(t.valid_from, t.valid_to) @> $2::bigint AND t.status = 'pending')

-- name: page
SELECT {what} FROM (SELECT * FROM ({every}) AS every_status {tail}) AS picked
  JOIN time_entries AS t ON t.log_id = $1 AND t.entry_id = picked.entry_id
   AND t.valid_from = picked.valid_from
  LEFT JOIN conflicts AS c ON c.log_id = $1 AND c.entry_id = t.entry_id
   AND c.conflict_id = t.conflict_id AND {held_conflict}
 ORDER BY picked.place DESC

-- name: open
-- $3 is a reason code, $4 a text to look for anywhere; NULL is any.
SELECT {what} FROM {rows} AS t
 WHERE {held} AND t.row_status = '{status}'
   AND ($3::text IS NULL OR t.reason_code = $3)
   AND ($4::text IS NULL OR strpos({searched}, (SELECT lower($4))) > 0)
 {tail}

-- name: open_of_few
-- As `open`, for a text that few rows have: those with its trigrams first, whatever the statistics
-- say of the text.
SELECT {what} FROM (
    SELECT * FROM open_rows AS t
     WHERE {held} AND trigrams(t.searched) @> trigrams(lower($4::text)) OFFSET 0) AS t
 WHERE t.row_status = '{status}'
   AND ($3::text IS NULL OR t.reason_code = $3)
   AND strpos(t.searched, (SELECT lower($4))) > 0
 {tail}

-- name: sampled
-- How many of the newest open rows have the text $3.
SELECT count(*) FROM (
    SELECT t.searched FROM open_rows AS t
     WHERE t.log_id = $1 AND t.row_status = $2 ORDER BY t.conflict_id DESC LIMIT {sample}) AS newest
 WHERE strpos(newest.searched, (SELECT lower($3::text))) > 0

-- name: matched
-- Of a million matches, only those of the ticket $4 are looked for.
SELECT {what} FROM time_entries AS t
 WHERE {held} AND t.row_status = 'match' AND $3::text IS NULL
   AND $4::text IS NULL {tail}

-- name: matched_ticket
-- Its few rows first, by their own index, whatever the statistics say of the others.
SELECT {what} FROM (
    SELECT * FROM time_entries AS t
     WHERE t.log_id = $1 AND t.row_status = 'match' AND t.ticket_number = $4 AND $3::text IS NULL
    OFFSET 0) AS t
 WHERE {held} {tail}

-- name: last_now
(t.log_id = $1 AND $2::bigint IS NULL AND (t.valid_to IS NULL OR {superseded}))

-- name: last_then
-- None was opened later than then, so the index of numbers begins there.
(t.log_id = $1 AND t.conflict_id <= $2::bigint AND t.valid_from <= $2::bigint AND (t.valid_to IS NULL OR t.valid_to > $2::bigint OR {superseded}))

-- name: superseded
-- The last row of a conflict that another one of the same entry replaced. Written with two bounds,
-- so that one row is looked up for each on the page, and not all conflicts are put in a hash.
t.status <> 'pending' AND NOT EXISTS (SELECT FROM conflicts AS n WHERE n.log_id = t.log_id AND n.entry_id = t.entry_id
               AND n.valid_from >= t.valid_to AND n.valid_from <= t.valid_to
               AND n.conflict_id = t.conflict_id)

-- name: any_status
$3::text IS NULL

-- name: one_status
t.status = $3::text

-- name: conflicts
SELECT {what} FROM conflicts AS t
 WHERE {held} AND {status} {tail}

-- name: conflict
SELECT {what} FROM conflicts AS t
 WHERE t.log_id = $1 AND t.valid_from <= coalesce($2::bigint, 9223372036854775807) AND t.conflict_id = $3
 ORDER BY t.valid_from DESC LIMIT 1

-- name: entries
-- By primary key, newest version first: see projections.sql.
SELECT {what} FROM unnest($3::bigint[]) AS u(wanted) CROSS JOIN LATERAL (
    SELECT * FROM time_entries
     WHERE log_id = $1 AND entry_id = u.wanted AND valid_from <= coalesce($2::bigint, 9223372036854775807)
     ORDER BY valid_from DESC LIMIT 1) AS t
