-- What is behind a reason code that has several causes.

ALTER TABLE time_entries ADD COLUMN cause text;
