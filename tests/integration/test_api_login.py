"""Logging in and out over real HTTP: contract, section 2."""

import asyncio
from datetime import timedelta

from adapters.postgres.credentials import Throttled
from domain.ids import LOGIN_STREAM
from tests.support.service import ADMIN, ADMIN_PASSWORD, Service, running_service, token

FORM = {"username": ADMIN, "password": ADMIN_PASSWORD}
WRONG = {"username": ADMIN, "password": "not the password"}


async def event_types(service: Service) -> list[str]:
    history = await service.own.store.read(LOGIN_STREAM)
    return [event.TYPE for event in history.events]


async def test_a_login_gives_a_token_and_a_cookie(migrated: str) -> None:
    async with running_service(migrated) as service, service.client() as client:
        answer = await client.post("/token", data=FORM)
        body = answer.json()
        assert answer.status_code == 200
        assert body["token_type"] == "bearer"
        assert body["expires_in"] == 720 * 60
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith(f"timeledger_token={body['access_token']};")
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert "Path=/" in cookie
        assert "Secure" not in cookie
        me = await client.get("/users/me/")  # by the cookie alone
        assert me.json()["username"] == ADMIN
        assert me.json()["role"] == "admin"
        assert set(me.json()) == {
            *("id", "username", "email", "full_name", "is_active", "disabled"),
            *("created_at", "role", "version"),
        }


async def test_every_spelling_of_the_login_routes_answers_directly(migrated: str) -> None:
    async with running_service(migrated) as service, service.client() as client:
        for path in ("/token", "/token/", "/api/v1/token", "/api/v1/token/"):
            assert (await client.post(path, data=FORM)).status_code == 200, path
        for path in ("/users/me", "/users/me/", "/api/v1/users/me", "/api/v1/users/me/"):
            assert (await client.get(path)).status_code == 200, path


async def test_the_cookie_is_secure_behind_a_trusted_proxy_and_not_set_for_foreign_pages(
    migrated: str,
) -> None:
    async with running_service(migrated, trusted_proxies="127.0.0.1") as service:
        async with service.client() as client:
            https = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
            answer = await client.post("/token", data=FORM, headers=https)
            assert "Secure" in answer.headers["set-cookie"]
            foreign = {"Sec-Fetch-Site": "cross-site"}
            answer = await client.post("/token", data=FORM, headers=foreign)
            assert answer.status_code == 200
            assert "set-cookie" not in answer.headers
        logs = (await service.http.get("/api/v1/audit-logs/?action=login_success")).json()["data"]
        assert "203.0.113.9" in {row["ip_address"] for row in logs}


async def test_wrong_password_and_unknown_account_look_the_same(migrated: str) -> None:
    async with running_service(migrated) as service, service.client() as client:
        bodies = []
        for form in (WRONG, {"username": "nobody", "password": "not the password"}):
            answer = await client.post("/token", data=form)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            assert "set-cookie" not in answer.headers
            bodies.append({k: v for k, v in answer.json().items() if k != "request_id"})
        assert bodies[0] == bodies[1]
        assert bodies[0]["code"] == "bad_credentials"
        assert (await event_types(service))[-2:] == ["LoginFailed", "LoginFailed"]


async def test_an_inactive_account_is_told_so_only_with_the_right_password(migrated: str) -> None:
    async with running_service(migrated) as service, service.client() as client:
        await service.add_user("bob", "viewer", is_active=False)
        right = await client.post("/token", data={"username": "bob", "password": ADMIN_PASSWORD})
        assert (right.status_code, right.json()["code"]) == (401, "account_inactive")
        wrong = await client.post("/token", data={"username": "bob", "password": "x" * 12})
        assert (wrong.status_code, wrong.json()["code"]) == (401, "bad_credentials")


async def test_five_failures_throttle_the_account_for_right_passwords_too(migrated: str) -> None:
    async with running_service(migrated) as service, service.client() as client:
        for _ in range(5):
            assert (await client.post("/token", data=WRONG)).status_code == 401
        for _ in range(3):
            answer = await client.post("/token", data=FORM)
            assert answer.status_code == 429
            assert answer.json()["code"] == "login_throttled"
            assert 0 < int(answer.headers["retry-after"]) <= 15 * 60
        types = await event_types(service)
        assert types.count("LoginFailed") == 5
        assert types.count("LoginThrottled") in (1, 2)  # one a minute
        assert (await service.http.get("/users/me")).status_code == 200  # tokens go on


async def test_twenty_failures_throttle_the_address_whatever_the_account(migrated: str) -> None:
    async with running_service(migrated) as service, service.client() as client:
        for number in range(20):
            form = {"username": f"user{number}", "password": "not the password"}
            assert (await client.post("/token", data=form)).status_code == 401
        answer = await client.post("/token", data=FORM)
        assert answer.status_code == 429


async def test_one_who_has_many_addresses_has_twenty_failures_too(migrated: str) -> None:
    async with (
        running_service(migrated, trusted_proxies=["127.0.0.1"]) as service,
        service.client() as client,
    ):
        statuses = []
        for number in range(22):
            form = {"username": f"user{number}", "password": "not the password"}
            forwarded = {"X-Forwarded-For": f"2001:db8:1:2::{number:x}"}
            statuses.append((await client.post("/token", data=form, headers=forwarded)).status_code)
        assert statuses == [401] * 20 + [429] * 2
        elsewhere = {"X-Forwarded-For": "2001:db8:1:3::1"}
        assert (await client.post("/token", data=FORM, headers=elsewhere)).status_code == 200


async def test_failures_are_forgotten_after_fifteen_minutes(migrated: str) -> None:
    async with running_service(migrated) as service:
        now = service.own.clock.now()
        credentials = service.own.credentials
        then = now - timedelta(minutes=14)
        for _ in range(5):
            assert isinstance(await credentials.begin("someone", "192.0.2.1", then), int)
        waits = Throttled("account", then + timedelta(minutes=15))
        assert await credentials.begin("someone", "192.0.2.2", now) == waits
        assert isinstance(await credentials.begin("another", "192.0.2.1", now), int)
        later = now + timedelta(minutes=2)
        assert isinstance(await credentials.begin("someone", "192.0.2.2", later), int)


async def test_several_processes_let_no_more_guesses_through_than_one(migrated: str) -> None:
    """Each has turns of its own; what they count is one, whoever asks at once."""
    async with (
        running_service(migrated) as service,
        running_service(migrated) as second,
        running_service(migrated) as third,
    ):
        for account in ("guessed", ADMIN):
            before = (await event_types(service)).count("LoginFailed")
            form = {"username": account, "password": "not the password"}
            clients = [each.http for each in (service, second, third) * 4]
            told = await asyncio.gather(*(http.post("/token", data=form) for http in clients))
            passed = [answer for answer in told if answer.status_code == 401]
            assert len(passed) <= 5
            assert {answer.status_code for answer in told} <= {401, 429}
            assert (await event_types(service)).count("LoginFailed") - before == len(passed)


async def test_logins_that_succeed_leave_no_trace_of_failure(migrated: str) -> None:
    async with running_service(migrated) as service:
        for _ in range(7):
            async with service.client() as client:
                assert (await client.post("/token", data=FORM)).status_code == 200
        left = "SELECT count(*) FROM login_failure"
        assert await service.own.store.pool.fetchval(left) == 0


async def test_logout_revokes_the_token_wherever_it_went(migrated: str) -> None:
    async with running_service(migrated) as service, service.client() as client:
        text = await token(client, ADMIN, ADMIN_PASSWORD)
        bearer = {"Authorization": f"Bearer {text}"}
        answer = await client.post("/logout", headers=bearer)
        assert answer.status_code == 204
        assert "Max-Age=0" in answer.headers["set-cookie"]
        after = await client.get("/users/me", headers=bearer)
        assert (after.status_code, after.json()["code"]) == (401, "token_revoked")
        client.cookies.set("timeledger_token", text)
        by_cookie = await client.get("/users/me")
        assert by_cookie.status_code == 401
        assert "Max-Age=0" in by_cookie.headers["set-cookie"]
        assert (await event_types(service))[-1] == "UserLoggedOut"


async def test_a_change_of_password_role_or_activity_revokes_all_tokens(migrated: str) -> None:
    async with running_service(migrated) as service:
        user = await service.add_user("bob", "viewer")
        path = f"/api/v1/users/{user['id']}"
        for patch in (
            {"role": "operator"},
            {"password": "another-long-password"},
            {"is_active": False},
        ):
            password = "another-long-password" if "is_active" in patch else ADMIN_PASSWORD
            async with service.logged_in("bob", password) as bob:
                assert (await bob.get("/users/me")).status_code == 200
                assert (await service.http.patch(path, json=patch)).status_code == 200
                refused = await bob.get("/users/me")
                assert (refused.status_code, refused.json()["code"]) == (401, "token_revoked")


async def test_one_may_replace_ones_own_password(migrated: str) -> None:
    async with running_service(migrated) as service:
        await service.add_user("bob", "viewer")
        async with service.logged_in("bob", ADMIN_PASSWORD) as bob:
            path = "/api/v1/users/me/password"
            wrong = {"current_password": "no", "new_password": "a-new-long-password"}
            answer = await bob.post(path, json=wrong)
            assert (answer.status_code, answer.json()["code"]) == (403, "bad_credentials")
            right = {**wrong, "current_password": ADMIN_PASSWORD}
            assert (await bob.post(path, json=right)).status_code == 204
            assert (await bob.get("/users/me")).status_code == 401
        async with service.logged_in("bob", "a-new-long-password") as bob:
            assert (await bob.get("/users/me")).status_code == 200


async def test_expired_broken_and_missing_tokens_are_told_apart(migrated: str) -> None:
    async with running_service(migrated) as service, service.client() as client:
        expired, _ = service.own.tokens.issue(
            username=ADMIN,
            user_id=1,
            generation=1,
            now=service.own.clock.now() - timedelta(days=1),
        )
        for header, code in (
            ({}, "not_authenticated"),
            ({"Authorization": "Bearer nonsense"}, "not_authenticated"),
            ({"Authorization": "Basic YWxpY2U6eA=="}, "not_authenticated"),
            ({"Authorization": f"Bearer {expired}"}, "token_expired"),
        ):
            answer = await client.get("/users/me", headers=header)
            assert (answer.status_code, answer.json()["code"]) == (401, code)
            assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_cookie_counts_for_unsafe_requests_only_from_our_own_pages(migrated: str) -> None:
    async with running_service(migrated) as service, service.client() as client:
        await client.post("/token", data=FORM)
        mapping = {"zammad_type_id": None, "kimai_activity_id": 1, "kimai_activity_name": "a"}
        path = "/api/v1/mappings/"
        for headers in (
            {},
            {"Sec-Fetch-Site": "cross-site"},
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
        ):
            answer = await client.post(path, json=mapping, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (403, "cross_origin")
        ours = {"Origin": service.url}
        assert (await client.post(path, json=mapping, headers=ours)).status_code == 201
        same = {"Sec-Fetch-Site": "same-origin"}
        assert (await client.delete(f"{path}1", headers=same)).status_code == 204


async def test_a_login_without_name_or_password_is_not_valid(migrated: str) -> None:
    async with running_service(migrated) as service, service.client() as client:
        for form in ({}, {"username": "alice"}, {"password": "x"}):
            answer = await client.post("/token", data=form)
            assert (answer.status_code, answer.json()["code"]) == (422, "validation")
