-- Why its requests had no effect: dead letters are grouped by it.

ALTER TABLE dead_letters ADD COLUMN cause text;
