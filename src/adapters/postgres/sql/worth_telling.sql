-- What channels were not told yet. $1 is the log. Runs count while the schedule said so, by what
-- it said when they ended.

-- name: wanted
(w.topic NOT IN ('run_failed', 'conflicts_opened')
 OR EXISTS (SELECT FROM schedule AS s
             WHERE s.log_id = $1 AND s.valid_from <= w.valid_from
               AND (s.valid_to IS NULL OR s.valid_to > w.valid_from) AND s.notifications))

-- name: untold
-- $2 are channels, $3 topics and $4 positions after which each counts, place by place.
SELECT u.channel, u.topic, p.count, p.newest, p.since
  FROM unnest($2::bigint[], $3::text[], $4::bigint[]) AS u(channel, topic, after)
 CROSS JOIN LATERAL (
    SELECT count(*) AS count, max(w.valid_from) AS newest, min(w.happened_at) AS since
      FROM worth_telling AS w
     WHERE w.log_id = $1 AND (w.topic = u.topic OR w.also = u.topic) AND w.valid_from > u.after AND {wanted}) AS p
 WHERE p.count > 0

-- name: texts
-- The newest $4 of topic $2 after position $3 and up to $5.
SELECT w.text FROM worth_telling AS w
 WHERE w.log_id = $1 AND (w.topic = $2 OR w.also = $2) AND w.valid_from > $3 AND w.valid_from <= $5 AND {wanted}
 ORDER BY w.valid_from DESC LIMIT $4
