-- A text that few of the open rows have is found by its parts of three characters. The embedded
-- server has no pg_trgm. To make the parts of each row anew takes long: the cost keeps the planner
-- from it.

CREATE FUNCTION trigrams(searched text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
COST 10000
RETURN ARRAY(SELECT DISTINCT substr(searched, n, 3)
               FROM generate_series(1, length(searched) - 2) AS n);

CREATE INDEX open_rows_trigrams ON open_rows USING gin (trigrams(searched)) WITH (fastupdate = off);
