-- What the sync asks of the views. $1 is the log, $2 the connector.

-- name: versions
-- Only $2 differs: the entry ids. By primary key, newest version first: see projections.sql.
SELECT source_id, source_updated_at, vanished, state FROM unnest($2::bigint[]) AS u(wanted)
 CROSS JOIN LATERAL (
    SELECT source_id, source_updated_at, vanished, state, valid_to FROM time_entries
     WHERE log_id = $1 AND entry_id = u.wanted ORDER BY valid_from DESC LIMIT 1) AS newest
 WHERE valid_to IS NULL AND source_updated_at IS NOT NULL

-- name: unsettled
-- A retry or a change asks for a new decision: the newest one does not hold any more. What a
-- person ignores nobody decides, whatever the settings say.
SELECT entry_id, coalesce(ticket_id, 0) AS ticket_id, state,
       CASE WHEN facts #>> '{standing,outcome}' IS NOT NULL THEN decided_with END AS decided_with,
       facts #>> '{standing,conflict}' AS reason,
       (facts ->> 'source_created_at')::timestamptz AS booked_at
  FROM time_entries
 WHERE log_id = $1 AND connector_id = $2 AND valid_to IS NULL
   AND state IN ('pending', 'writing', 'conflict', 'failed', 'ignored')
   AND (state <> 'ignored' OR coalesce(facts #>> '{standing,ignored}', 'false') = 'false')
 ORDER BY booked_at NULLS LAST, source_id

-- name: live_count
SELECT count(*) FROM time_entries
 WHERE log_id = $1 AND connector_id = $2 AND valid_to IS NULL AND NOT vanished

-- name: live_source_ids
SELECT source_id FROM time_entries
 WHERE log_id = $1 AND connector_id = $2 AND valid_to IS NULL AND NOT vanished

-- name: live_of_tickets
SELECT ticket_id, source_id FROM time_entries
 WHERE log_id = $1 AND connector_id = $2 AND valid_to IS NULL AND NOT vanished
   AND ticket_id = ANY($3::bigint[])

-- name: with_negatives
SELECT DISTINCT ticket_id FROM time_entries
 WHERE log_id = $1 AND connector_id = $2 AND valid_to IS NULL
   AND (facts ->> 'time_unit') LIKE '-%' AND ticket_id = ANY($3::bigint[])

-- name: negatives
SELECT entry_id, ticket_id FROM time_entries
 WHERE log_id = $1 AND connector_id = $2 AND valid_to IS NULL
   AND (facts ->> 'time_unit') LIKE '-%'
 ORDER BY entry_id

-- name: broke_off
-- $3 is the run that asks, or NULL.
SELECT EXISTS (
    SELECT FROM sync_runs
     WHERE log_id = $1 AND source_connector_id = $2 AND valid_to IS NULL
       AND state NOT IN ('queued', 'completed') AND run_id IS DISTINCT FROM $3
       AND run_id > coalesce((SELECT run_id FROM sync_runs
                               WHERE log_id = $1 AND source_connector_id = $2 AND valid_to IS NULL
                                 AND state = 'completed' AND whole
                               ORDER BY run_id DESC LIMIT 1), 0)) AS broke_off

-- name: watermark
SELECT watermark, ticket_watermark FROM sync_runs
 WHERE log_id = $1 AND source_connector_id = $2 AND valid_to IS NULL AND state = 'completed'
 ORDER BY run_id DESC LIMIT 1

-- name: target_marks
-- $2 is the source, $3 the target.
SELECT target_watermark, target_listed_at FROM sync_runs
 WHERE log_id = $1 AND source_connector_id = $2 AND target_connector_id = $3
   AND valid_to IS NULL AND state = 'completed'
 ORDER BY run_id DESC LIMIT 1

-- name: linked
-- $2 is the source, $3 the target, $4 the timesheet ids or NULL for all.
-- Of those that stay as they are beside a correction the text is not kept.
SELECT entry_id, timesheet_id, facts #>> '{standing,conflict}' AS reason,
       facts #> '{target}' AS target, target_description, target_subject
  FROM time_entries
 WHERE log_id = $1 AND connector_id = $2 AND valid_to IS NULL AND timesheet_id IS NOT NULL
   AND (facts ->> 'target_connector_id')::bigint = $3
   AND ($4::bigint[] IS NULL OR timesheet_id = ANY($4))
UNION ALL
SELECT entry_id, (one ->> 'timesheet_id')::bigint, facts #>> '{standing,conflict}',
       one -> 'target', NULL, target_subject
  FROM time_entries CROSS JOIN json_array_elements(facts -> 'earlier') AS one
 WHERE log_id = $1 AND connector_id = $2 AND valid_to IS NULL AND corrected
   AND (facts ->> 'target_connector_id')::bigint = $3
   AND ($4::bigint[] IS NULL OR (one ->> 'timesheet_id')::bigint = ANY($4))
 ORDER BY timesheet_id

-- name: carried_with_another_unit
-- $2 is the source, $3 the target, $4 the minutes of one unit.
SELECT entry_id FROM time_entries
 WHERE log_id = $1 AND connector_id = $2 AND valid_to IS NULL AND timesheet_id IS NOT NULL
   AND state = 'synced'
   AND (facts ->> 'target_connector_id')::bigint = $3
   AND (facts ->> 'unit_minutes')::numeric <> $4
 ORDER BY entry_id

-- name: occupying
-- $2 is the source, $3 the persons and $4 the days, pair by pair. A timesheet that somebody moved
-- by a few hours is still found: the days beside are looked at, too.
SELECT wanted.agent, wanted.day, entry_id, valid_from AS position, state,
       (facts ->> 'begins')::timestamptz AS begins, (facts ->> 'ends')::timestamptz AS ends,
       CASE WHEN timesheet_id IS NULL THEN NULL
            ELSE (facts #>> '{target,begin}')::timestamptz END AS stored_begin,
       (facts #>> '{target,end}')::timestamptz AS stored_end,
       facts #> '{earlier}' AS earlier
  FROM unnest($3::bigint[], $4::date[]) AS wanted(agent, day)
  JOIN time_entries ON log_id = $1 AND connector_id = $2 AND valid_to IS NULL
   AND user_id = wanted.agent AND entry_date BETWEEN wanted.day - 1 AND wanted.day + 1
 ORDER BY entry_id
