-- Where a person works, when that is not where the connector says (IANA name).

ALTER TABLE user_mappings ADD COLUMN timezone text;
