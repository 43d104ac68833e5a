-- The timesheet that looked like the booking when a person was asked about it. Events of before do
-- not say how it was, so the rows that are there are as a rebuild would make them.
ALTER TABLE conflicts ADD COLUMN alike json;
