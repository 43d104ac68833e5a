"""Instants for Hypothesis."""

from datetime import UTC, datetime

from hypothesis import strategies as st


def instants(first: str, last: str) -> st.SearchStrategy[datetime]:
    """Whole seconds between two days, written `YYYY-MM-DD`, in UTC."""
    begin, end = (
        int(datetime.fromisoformat(f"{day}T00:00:00+00:00").timestamp()) for day in (first, last)
    )
    return st.integers(begin, end).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
