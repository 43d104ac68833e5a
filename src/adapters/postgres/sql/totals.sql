-- What rows of views add up to (src/projections/tally.py). $1 is always the log; $2 is the tally, or
-- those of the rows that follow.

-- name: live
SELECT t.tally, t.key, t.valid_from, t.amounts
  FROM unnest($2::text[], $3::bigint[]) AS u(tally, key)
  JOIN totals AS t ON t.log_id = $1 AND t.tally = u.tally AND t.key = u.key AND t.valid_to IS NULL

-- name: end
UPDATE totals AS t SET valid_to = u.until
  FROM unnest($2::text[], $3::bigint[], $4::bigint[]) AS u(tally, key, until)
 WHERE t.log_id = $1 AND t.tally = u.tally AND t.key = u.key AND t.valid_to IS NULL

-- name: put
INSERT INTO totals (log_id, tally, key, valid_from, valid_to, amounts)
SELECT $1, u.tally, u.key, u.since, u.until, u.amounts::json
  FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[])
    AS u(tally, key, since, until, amounts)
ON CONFLICT (log_id, tally, key, valid_from)
DO UPDATE SET valid_to = excluded.valid_to, amounts = excluded.amounts

-- name: empty
DELETE FROM totals WHERE log_id = $1 AND tally = $2

-- name: fingerprint
SELECT coalesce(sum(hashtextextended(t::text, 0)), 0)::text FROM totals AS t
 WHERE log_id = $1 AND tally = $2

-- name: now
SELECT key, amounts FROM totals
 WHERE log_id = $1 AND tally = $2 AND (key BETWEEN $3 AND $4 OR key = $5) AND valid_to IS NULL

-- name: then
-- A key that ever was has a live row, because its amounts become 0 and it does not end.
SELECT l.key, t.amounts FROM totals AS l CROSS JOIN LATERAL (
    SELECT amounts FROM totals AS v
     WHERE v.log_id = $1 AND v.tally = $2 AND v.key = l.key AND v.valid_from <= $6
     ORDER BY v.valid_from DESC LIMIT 1) AS t
 WHERE l.log_id = $1 AND l.tally = $2 AND (l.key BETWEEN $3 AND $4 OR l.key = $5)
   AND l.valid_to IS NULL

-- name: rest_of_entries
-- Which entries moved is in the ledger; the versions before and after are one step each by key.
WITH moved AS (
    SELECT DISTINCT split_part(s.name, '-', 3)::bigint AS entry_id
      FROM event AS e JOIN stream AS s ON s.log_id = e.log_id AND s.stream_id = e.stream_id
     WHERE e.log_id = $1 AND e.position > $2 AND e.position <= $3 AND s.kind = 'time-entry')
SELECT t.entry_date, t.state, t.minutes, t.row_status, t.reason_code, p.times
  FROM moved CROSS JOIN (VALUES ($3::bigint, 1), ($2::bigint, -1)) AS p(upto, times)
 CROSS JOIN LATERAL (
    SELECT * FROM time_entries AS v
     WHERE v.log_id = $1 AND v.entry_id = moved.entry_id AND v.valid_from <= p.upto
     ORDER BY v.valid_from DESC LIMIT 1) AS t

-- name: rest_of_usage
WITH moved AS (
    SELECT DISTINCT split_part(s.name, '-', 3)::bigint AS entry_id
      FROM event AS e JOIN stream AS s ON s.log_id = e.log_id AND s.stream_id = e.stream_id
     WHERE e.log_id = $1 AND e.position > $2 AND e.position <= $3 AND s.kind = 'time-entry')
SELECT t.entry_date, t.minutes, (t.facts ->> 'activity_type_id')::bigint, t.user_id, t.customer_id,
       t.organization_name, t.vanished, p.times
  FROM moved CROSS JOIN (VALUES ($3::bigint, 1), ($2::bigint, -1)) AS p(upto, times)
 CROSS JOIN LATERAL (
    SELECT * FROM time_entries AS v
     WHERE v.log_id = $1 AND v.entry_id = moved.entry_id AND v.valid_from <= p.upto
     ORDER BY v.valid_from DESC LIMIT 1) AS t

-- name: rest_of_lags
SELECT (updated_at AT TIME ZONE 'UTC')::date, lag_seen, lag_booked, 1 AS times FROM time_entries
 WHERE log_id = $1 AND valid_from > $2 AND valid_from <= $3
   AND lag_seen IS NOT NULL AND lag_booked IS NOT NULL

-- name: rest_of_audit
SELECT action, count(*)::integer AS times FROM audit_log
 WHERE log_id = $1 AND valid_from > $2 AND valid_from <= $3 GROUP BY action

-- name: rest_of_runs
WITH moved AS (
    SELECT DISTINCT run_id FROM sync_runs
     WHERE log_id = $1 AND valid_from > $2 AND valid_from <= $3)
SELECT t.state, t.trigger_type, p.times
  FROM moved CROSS JOIN (VALUES ($3::bigint, 1), ($2::bigint, -1)) AS p(upto, times)
 CROSS JOIN LATERAL (
    SELECT * FROM sync_runs AS v
     WHERE v.log_id = $1 AND v.run_id = moved.run_id AND v.valid_from <= p.upto
     ORDER BY v.valid_from DESC LIMIT 1) AS t

-- name: rest_of_conflicts
-- Each row that began since then, and the row of its entry that it replaced; one conflict that made
-- way for another is one still.
WITH moved AS (
    SELECT DISTINCT split_part(s.name, '-', 3)::bigint AS entry_id
      FROM event AS e JOIN stream AS s ON s.log_id = e.log_id AND s.stream_id = e.stream_id
     WHERE e.log_id = $1 AND e.position > $2 AND e.position <= $3 AND s.kind = 'time-entry'),
begun AS (
    SELECT c.* FROM moved JOIN conflicts AS c ON c.log_id = $1 AND c.entry_id = moved.entry_id
       AND c.valid_from > $2 AND c.valid_from <= $3)
SELECT status, 1 AS times FROM begun
UNION ALL
SELECT former.status, -1 FROM begun JOIN conflicts AS former
    ON former.log_id = $1 AND former.entry_id = begun.entry_id AND former.valid_to = begun.valid_from
 WHERE former.conflict_id = begun.conflict_id OR former.status = 'pending'
