"""`negative_netting`: a first run over bookings of which every second corrects those before it.

Run with `python -m tests.bench.bench_netting`; prints a JSON line. All bookings of a person are on
one ticket, so that each group grows with the number of bookings: the worst case for netting.
"""

import uvloop

from api import logs
from tests.bench.bench_sync import bench, line
from tests.bench.peers import peers
from tests.support.postgres import DatabaseServer

FEW, TIMES, MOST = 300, 10, 12  # so many times the bookings take at most so many times the time


async def first_run(dsn: str, urls: tuple[str, str]) -> float:
    """Seconds until every booking is carried across and every correction netted."""
    async with bench(dsn, urls) as at:
        await at.configure()
        run, seconds = await at.run()
        assert run["conflicts_detected"] == 0, run
        assert run["entries_synced"] > 0, run
        return seconds


def main() -> None:
    logs.configure("warning")
    seconds = {}
    with DatabaseServer.running(settings={}) as server:
        for bookings in (FEW, FEW * TIMES):
            with server.database() as dsn, peers(bookings, corrected=True) as urls:
                seconds[bookings] = uvloop.run(first_run(dsn, urls))
    line("negative_netting", seconds[FEW * TIMES], "s", MOST * seconds[FEW])


if __name__ == "__main__":
    main()
