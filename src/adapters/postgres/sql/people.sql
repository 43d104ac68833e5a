-- The persons that the ledger names. $1 is the log.

-- name: subjects
-- $2 is what is looked for, $3 the subject after which, $4 how many. A subject is whoever ever had
-- a key; what it is called comes from the views, which know nobody who was erased.
WITH holder AS (
    SELECT subject, min(made_at) AS made_at, max(erased_at) AS erased_at
      FROM subject_key WHERE log_id = $1 GROUP BY subject
), agent AS (
    SELECT 'zammad-user:' || user_id AS subject,
           (array_agg(user_name ORDER BY updated_at DESC)
               FILTER (WHERE user_name IS NOT NULL))[1] AS label,
           array_agg(DISTINCT user_email) FILTER (WHERE user_email IS NOT NULL) AS emails,
           count(*) AS entries, sum(minutes) AS minutes,
           min((facts ->> 'observed_at')::timestamptz) AS first_seen, max(updated_at) AS last_seen
      FROM time_entries WHERE log_id = $1 AND valid_to IS NULL AND user_id IS NOT NULL
     GROUP BY user_id
), customer AS (
    SELECT 'customer:' || customer_id AS subject,
           (array_agg(customer_name ORDER BY updated_at DESC)
               FILTER (WHERE customer_name IS NOT NULL))[1] AS label,
           NULL::text[] AS emails, count(*) AS entries, sum(minutes) AS minutes,
           min((facts ->> 'observed_at')::timestamptz) AS first_seen, max(updated_at) AS last_seen
      FROM time_entries WHERE log_id = $1 AND valid_to IS NULL AND customer_id IS NOT NULL
     GROUP BY customer_id
), mapped AS (
    SELECT 'zammad-user:' || zammad_user_id AS subject, max(zammad_user_name) AS label,
           array_agg(DISTINCT zammad_user_email) FILTER (WHERE zammad_user_email IS NOT NULL)
               AS emails,
           0 AS entries, 0 AS minutes, min(created_at) AS first_seen, max(updated_at) AS last_seen
      FROM user_mappings
     WHERE log_id = $1 AND valid_to IS NULL AND zammad_user_id IS NOT NULL
     GROUP BY zammad_user_id
), account AS (
    SELECT 'account:' || user_id AS subject, coalesce(nullif(full_name, ''), username) AS label,
           array_remove(ARRAY[nullif(email, '')], NULL) AS emails, 0 AS entries, 0 AS minutes,
           created_at AS first_seen, created_at AS last_seen
      FROM users WHERE log_id = $1 AND valid_to IS NULL
), known AS (
    SELECT * FROM agent UNION ALL SELECT * FROM customer
    UNION ALL SELECT * FROM mapped UNION ALL SELECT * FROM account
), person AS (
    SELECT subject, made_at, erased_at, max(label) AS label,
           coalesce(max(emails) FILTER (WHERE cardinality(emails) > 0), '{}') AS emails,
           coalesce(sum(entries), 0)::bigint AS entries, coalesce(sum(minutes), 0) AS minutes,
           least(made_at, min(first_seen)) AS first_seen,
           greatest(made_at, max(last_seen)) AS last_seen
      FROM holder LEFT JOIN known USING (subject)
     GROUP BY subject, made_at, erased_at
)
SELECT subject, label, emails, entries, minutes, first_seen, last_seen, erased_at FROM person
 WHERE subject > $3 COLLATE "C"
   AND (subject = $2 OR split_part(subject, ':', 2) = $2
        OR strpos(lower(concat_ws(chr(10), label, array_to_string(emails, chr(10)))), lower($2)) > 0)
 ORDER BY subject COLLATE "C" LIMIT $4

-- name: entries_of
-- {column} is user_id or customer_id, $2 the number.
SELECT count(*) AS entries, coalesce(sum(minutes), 0) AS minutes FROM time_entries
 WHERE log_id = $1 AND valid_to IS NULL AND {column} = $2

-- name: entry_rows
-- $3 the entry after which, $4 how many.
SELECT {selected} FROM time_entries
 WHERE log_id = $1 AND valid_to IS NULL AND {column} = $2 AND entry_id > $3
 ORDER BY entry_id LIMIT $4
