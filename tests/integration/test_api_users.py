"""Accounts over real HTTP: contract, section 2."""

import asyncio

import httpx
from cryptography.fernet import Fernet

from api.identity import account_of
from tests.support.service import ADMIN, ADMIN_PASSWORD, ENCRYPTION_KEY, running_service

PATH = "/api/v1/users/"


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_accounts_are_added_listed_and_changed(migrated: str) -> None:
    async with running_service(migrated) as service:
        http = service.http
        bob = await service.add_user("bob", "viewer", email="bob@example.com")
        assert (bob["email"], bob["full_name"], bob["disabled"]) == ("bob@example.com", "", False)
        assert [row["username"] for row in (await http.get(PATH)).json()] == [ADMIN, "bob"]
        changed = await http.patch(f"{PATH}2", json={"full_name": "Bob B.", "email": None})
        assert (changed.json()["full_name"], changed.json()["email"]) == ("Bob B.", "")
        assert (await http.patch(f"{PATH}2", json=changed.json())).json() == changed.json()
        off = (await http.patch(f"{PATH}2", json={"is_active": False})).json()
        assert (off["is_active"], off["disabled"]) == (False, True)
        assert code(await http.patch(f"{PATH}9", json={"role": "admin"})) == (404, "not_found")


async def test_names_are_unique_whatever_their_case(migrated: str) -> None:
    async with running_service(migrated) as service:
        body = {"username": "ALICE", "password": ADMIN_PASSWORD}
        assert code(await service.http.post(PATH, json=body)) == (409, "name_taken")
        stored = await service.own.store.pool.fetchval("SELECT count(*) FROM credential")
        assert stored == 1


async def test_somebody_stays_admin(migrated: str) -> None:
    async with running_service(migrated) as service:
        for patch in ({"role": "viewer"}, {"is_active": False}):
            assert code(await service.http.patch(f"{PATH}1", json=patch)) == (409, "last_admin")
        await service.add_user("eve", "admin")
        assert (await service.http.patch(f"{PATH}1", json={"role": "viewer"})).status_code == 200


async def test_passwords_have_limits_and_never_show(migrated: str) -> None:
    async with running_service(migrated) as service:
        for password in ("p4ss", "x" * 129):
            answer = await service.http.post(PATH, json={"username": "bob", "password": password})
            assert code(answer) == (422, "validation")
            assert password not in answer.text
        hashes = await service.own.store.pool.fetch("SELECT hash FROM credential")
        assert all(row["hash"].startswith("$argon2id$") for row in hashes)
        events = await service.own.store.pool.fetch("SELECT data::text FROM event")
        text = "".join(row[0] for row in events)
        assert "argon2" not in text
        assert ADMIN not in text  # sealed


async def test_the_first_administrator_is_made_once(migrated: str) -> None:
    async with running_service(migrated):
        pass
    async with running_service(migrated, admin_password="another-good-password") as service:
        assert len((await service.http.get(PATH)).json()) == 1


async def test_an_encryption_key_can_be_replaced_and_dropped(migrated: str) -> None:
    new = Fernet.generate_key().decode()
    async with running_service(migrated) as service:
        await service.add_user("bob", "viewer", email="bob@example.org")
    async with running_service(migrated, encryption_key=f"{new},{ENCRYPTION_KEY}"):
        pass  # the start moves everything
    async with running_service(migrated, encryption_key=new) as service:
        emails = {row["username"]: row["email"] for row in (await service.http.get(PATH)).json()}
        assert emails["bob"] == "bob@example.org"


async def test_two_admins_in_two_processes_cannot_demote_each_other(migrated: str) -> None:
    demote, promote = {"role": "viewer"}, {"role": "admin"}
    async with running_service(migrated) as one, running_service(migrated) as other:
        await one.add_user("eve", "admin")
        for _ in range(5):
            async with (
                one.logged_in(ADMIN, ADMIN_PASSWORD) as alice,
                other.logged_in("eve", ADMIN_PASSWORD) as eve,
            ):
                await asyncio.gather(
                    alice.patch(f"{PATH}2", json=demote), eve.patch(f"{PATH}1", json=demote)
                )
            accounts = [await account_of(one.own, number) for number in (1, 2)]
            left = [account for account in accounts if account and account.role == "admin"]
            assert len(left) == 1
            name = left[0].username.value or ""
            async with one.logged_in(name, ADMIN_PASSWORD) as admin:
                back = await admin.patch(f"{PATH}{3 - left[0].user_id}", json=promote)
                assert back.status_code == 200


async def test_a_stolen_login_does_not_help_to_guess_the_password(migrated: str) -> None:
    path = "/api/v1/users/me/password"
    async with running_service(migrated) as service:
        await service.add_user("bob", "viewer")
        async with service.logged_in("bob", ADMIN_PASSWORD) as thief:
            guess = {"current_password": "guess", "new_password": "a-new-long-password"}
            answers = [await thief.post(path, json=guess) for _ in range(6)]
            assert [code(answer) for answer in answers] == [
                *[(403, "bad_credentials")] * 5,
                (429, "login_throttled"),
            ]
        assert await service.own.shown(await service.own.store.head())
        audit = await service.http.get("/api/v1/audit-logs/", params={"action": "login_failed"})
        assert audit.json()["total"] == 5
