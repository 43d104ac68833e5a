-- Only a run that looked at everything makes good what one before it broke off.

ALTER TABLE sync_runs ADD COLUMN whole boolean NOT NULL DEFAULT true;
