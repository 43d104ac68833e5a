-- Views held against what the ledger makes of them. $1 is the log.
-- {table}, {key} and {selected} are put in once per view.

-- name: before
-- The rows of the keys $2 as they held after position $3.
SELECT valid_to, {selected} FROM unnest($2::bigint[]) AS u(wanted) CROSS JOIN LATERAL (
    SELECT * FROM {table}
     WHERE log_id = $1 AND {key} = u.wanted AND valid_from <= $3
     ORDER BY valid_from DESC LIMIT 1) AS held
 WHERE valid_to IS NULL OR valid_to > $3

-- name: begun
-- Those of the keys $2 that begin after position $3, up to $4.
SELECT valid_to, {selected} FROM {table}
 WHERE log_id = $1 AND {key} = ANY($2::bigint[]) AND valid_from > $3 AND valid_from <= $4

-- name: count
SELECT count(*) FROM {table} WHERE log_id = $1 AND valid_from <= $2
