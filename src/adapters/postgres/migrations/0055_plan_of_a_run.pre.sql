-- Which plan a run carries out, or made for the deletions that it held back.

ALTER TABLE sync_runs ADD COLUMN plan_id bigint;
