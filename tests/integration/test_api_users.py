"""Accounts over real HTTP: contract, section 2."""

import httpx
from cryptography.fernet import Fernet

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
