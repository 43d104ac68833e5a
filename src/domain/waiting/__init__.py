"""What becomes of the bookings that wait when people change a mapping."""
