"""`/metrics` over HTTP: who gets it, what it counts, and that it names no ids."""

from prometheus_client.parser import text_string_to_metric_families

from tests.integration.test_kpi import filled
from tests.support.service import Service, running_service

TOKEN = "scrape-me-with-this-long-token"


async def scraped(service: Service, **headers: str) -> dict[tuple[str, str], float]:
    """Samples by name and their last label's value."""
    async with service.client(**headers) as scraper:
        answer = await scraper.get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name, " ".join(f"{k}={v}" for k, v in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_what_happened_is_counted(migrated: str) -> None:
    async with running_service(migrated) as service:
        head = await filled(service, 100)
        for number in (10_000_000_001, 10_000_000_002, 77):
            await service.http.get(f"/api/v1/entries/{number}")
        await service.http.get("/no/such/page")
        found = await scraped(service)
        assert found["timeledger_entries", "state=synced"] == 96
        assert found["timeledger_open_conflicts", "reason=UNMAPPED_ACTIVITY"] == 4
        assert found["timeledger_writes_total", "outcome=created"] == 96
        assert found["timeledger_writes_total", "outcome=updated"] == 4
        assert found["timeledger_runs_total", "state=completed trigger=scheduled"] == 1
        assert found["timeledger_head_position", ""] == head
        assert found["timeledger_projection_lag", "view=time_entries"] == 0
        assert found["timeledger_lag_seconds", ""] == 0
        assert found["timeledger_database_up", ""] == 1
        routes = "method=GET route=/api/v1/entries/{entry_id}"
        assert found["timeledger_http_requests_total", f"{routes} status=200"] == 2
        assert found["timeledger_http_requests_total", f"{routes} status=404"] == 1
        assert found["timeledger_http_requests_total", "method=GET route=unmatched status=404"] == 1
        for name in ("a", "a/b", "v1", "deliveries", "a/replay"):
            await service.http.post(f"/api/v1/webhook/deliveries/{name}/replay")
        found = await scraped(service)
        replays = "method=POST route=/api/v1/webhook/deliveries/{delivery_id}/replay status=404"
        assert found["timeledger_http_requests_total", replays] == 5
        assert not any("1000000000" in labels or "such" in labels for _, labels in found)


async def test_with_a_token_only_its_bearer_gets_it(migrated: str) -> None:
    async with running_service(migrated, metrics_token=TOKEN) as service:
        found = await scraped(service, authorization=f"Bearer {TOKEN}")
        assert found["timeledger_database_up", ""] == 1
        for given in ("", "Bearer", f"Bearer {TOKEN}x", f"Basic {TOKEN}", "Bearer é"):
            async with service.client() as scraper:
                headers = {b"authorization": given.encode()} if given else {}
                refused = await scraper.get("/metrics", headers=headers)
            assert refused.status_code == 401, given
            assert refused.json()["code"] == "not_authenticated"
            assert refused.headers["www-authenticate"] == "Bearer"
            assert TOKEN not in refused.text
