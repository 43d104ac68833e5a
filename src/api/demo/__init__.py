"""`make demo`: everything at once, from nothing, on sandbox peers with a month of bookings."""

from api.demo.house import run

__all__ = ["run"]
