"""What a second start of the demo may change."""

import json
from typing import Any

import httpx

from api.demo.keys import DemoKeys
from api.demo.setup import DemoSetup

KEYS = DemoKeys(
    secret_key="s" * 40,
    encryption_key="e" * 44,
    username="admin",
    password="a long password",
    zammad_token="zammad-token",
    kimai_token="kimai-token",
    webhook_secret="webhook-secret-1",
)


async def test_a_connector_that_somebody_added_is_left_alone() -> None:
    rows = [
        {"id": 1, "type": "zammad", "base_url": "http://127.0.0.1:1/"},
        {"id": 2, "type": "kimai", "base_url": "http://127.0.0.1:2/"},
        {"id": 3, "type": "zammad", "base_url": "https://zammad.example.com/"},
    ]
    written: list[tuple[str, str, Any]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json=rows)
        written.append((request.method, request.url.path, json.loads(request.content)))
        return httpx.Response(200, json={})

    transport = httpx.MockTransport(answer)
    async with httpx.AsyncClient(base_url="http://demo", transport=transport) as http:
        setup = DemoSetup(http, KEYS)
        await setup.connect(zammad_url="http://127.0.0.1:9", kimai_url="http://127.0.0.1:2")
    moved = {"base_url": "http://127.0.0.1:9/", "api_token": "zammad-token"}
    assert written == [("PATCH", "/api/v1/connectors/1", moved)]
