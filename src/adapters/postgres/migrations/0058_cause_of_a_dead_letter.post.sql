-- Why its requests had no effect: dead letters are grouped by it. After all others, because a file
-- with a higher number makes the table.

ALTER TABLE dead_letters ADD COLUMN cause text;
