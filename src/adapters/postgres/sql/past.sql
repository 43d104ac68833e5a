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
