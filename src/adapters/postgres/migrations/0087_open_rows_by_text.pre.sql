-- A text that few of the open rows have is found by its parts of three characters. The embedded
-- server has no pg_trgm. To make the parts of each row anew takes long: the cost keeps the planner
-- from it.

CREATE FUNCTION trigrams(searched text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
COST 10000
RETURN ARRAY(
    SELECT DISTINCT three
      FROM (SELECT sign || lead(sign) OVER follow || lead(sign, 2) OVER follow AS three
              FROM string_to_table(searched, NULL) WITH ORDINALITY AS signs (sign, place)
            WINDOW follow AS (ORDER BY place)) AS threes
     WHERE three IS NOT NULL);

CREATE INDEX open_rows_trigrams ON open_rows USING gin (trigrams(searched)) WITH (fastupdate = off);
