-- Who waits for a mapping, and where their like went. $1 is the log, $2 the position or NULL, $3
-- the connector, $4 how many at most. {held} as in read_models.sql: now, it is that of the partial
-- index `time_entries_unsettled`, so that only what is not at rest is looked at.

-- name: held_now
($2::bigint IS NULL AND valid_to IS NULL
 AND state IN ('pending', 'writing', 'conflict', 'failed', 'ignored'))

-- name: held_then
(valid_from <= $2 AND (valid_to IS NULL OR valid_to > $2))

-- name: activities
SELECT (facts ->> 'activity_type_id')::bigint AS source_id, max(activity_name) AS name,
       NULL AS email, NULL::bigint AS customer_id,
       count(*) AS entries, coalesce(sum(minutes), 0) AS minutes
  FROM time_entries
 WHERE log_id = $1 AND {held} AND connector_id = $3
   AND state = 'conflict' AND reason_code = 'UNMAPPED_ACTIVITY'
 GROUP BY 1 ORDER BY entries DESC, minutes DESC, 1 LIMIT $4

-- name: users
SELECT user_id AS source_id, max(user_name) AS name, max(user_email) AS email,
       NULL::bigint AS customer_id,
       count(*) AS entries, coalesce(sum(minutes), 0) AS minutes
  FROM time_entries
 WHERE log_id = $1 AND {held} AND connector_id = $3
   AND state = 'conflict' AND reason_code = 'USER_UNMAPPED'
 GROUP BY 1 ORDER BY entries DESC, minutes DESC, 1 LIMIT $4

-- name: projects
-- By organization; by customer where there is none.
SELECT NULL::bigint AS source_id, coalesce(organization_name, max(customer_name)) AS name,
       NULL AS email,
       CASE WHEN organization_name IS NULL THEN customer_id END AS customer_id,
       count(*) AS entries, coalesce(sum(minutes), 0) AS minutes
  FROM time_entries
 WHERE log_id = $1 AND {held} AND connector_id = $3
   AND state = 'conflict' AND reason_code = 'PROJECT_OR_CUSTOMER_MISSING'
 GROUP BY organization_name, 4 ORDER BY entries DESC, minutes DESC, 2 LIMIT $4

-- name: carried
-- The newest $4 that have a timesheet, whoever made it. $5 is the connector that has it.
SELECT (facts ->> 'activity_type_id')::bigint AS type_id, user_id, organization_name, customer_id,
       (facts #>> '{{target,activity_id}}')::bigint AS activity,
       (facts #>> '{{target,user_id}}')::bigint AS person,
       (facts #>> '{{target,project_id}}')::bigint AS project, count(*) AS times
  FROM (SELECT * FROM time_entries
         WHERE log_id = $1 AND ($2::bigint IS NULL AND valid_to IS NULL
                                OR valid_from <= $2 AND (valid_to IS NULL OR valid_to > $2))
           AND connector_id = $3 AND timesheet_id IS NOT NULL
           AND (facts ->> 'target_connector_id')::bigint = $5
         ORDER BY updated_at DESC LIMIT $4) AS newest
 WHERE facts #>> '{{target,project_id}}' IS NOT NULL
 GROUP BY 1, 2, 3, 4, 5, 6, 7

-- name: former_activities
SELECT DISTINCT ON (zammad_type_id) zammad_type_id AS source, kimai_activity_id AS target
  FROM mappings WHERE log_id = $1 AND ($2::bigint IS NULL OR valid_from <= $2)
 ORDER BY zammad_type_id, valid_from DESC

-- name: former_users
SELECT DISTINCT ON (zammad_user_id) zammad_user_id AS source, kimai_user_id AS target
  FROM user_mappings WHERE log_id = $1 AND ($2::bigint IS NULL OR valid_from <= $2)
 ORDER BY zammad_user_id, valid_from DESC

-- name: names_activities
SELECT DISTINCT ON (kimai_activity_id) kimai_activity_id AS target, kimai_activity_name AS name
  FROM mappings
 WHERE log_id = $1 AND ($2::bigint IS NULL OR valid_from <= $2) AND kimai_activity_name <> ''
 ORDER BY kimai_activity_id, valid_from DESC

-- name: names_users
SELECT DISTINCT ON (kimai_user_id) kimai_user_id AS target, kimai_user_name AS name
  FROM user_mappings
 WHERE log_id = $1 AND ($2::bigint IS NULL OR valid_from <= $2) AND kimai_user_name <> ''
 ORDER BY kimai_user_id, valid_from DESC

-- name: former_projects
SELECT DISTINCT ON (source_kind, source_id) source_kind, source_id AS source,
       kimai_project_id AS target, kimai_customer_id AS customer
  FROM project_mappings WHERE log_id = $1 AND ($2::bigint IS NULL OR valid_from <= $2)
 ORDER BY source_kind, source_id, valid_from DESC
