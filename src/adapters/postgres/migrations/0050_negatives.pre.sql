-- A run asks which of the tickets it touched have a negative booking; few tickets of a house do.

CREATE INDEX time_entries_negative ON time_entries (log_id, connector_id, ticket_id)
    WHERE valid_to IS NULL AND (facts ->> 'time_unit') LIKE '-%';
