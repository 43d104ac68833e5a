-- What somebody booked on some days, asked for whenever a booking is stacked on one of them.

CREATE INDEX time_entries_by_person ON time_entries (log_id, user_id, entry_date)
    WHERE valid_to IS NULL;
