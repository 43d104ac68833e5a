"""The rules of an account."""

from dataclasses import replace

import pytest

from domain.account.commands import AddUser, ChangeUser, ReplacePassword
from domain.account.decide import ACCOUNT, holds, includes, login_digest
from domain.account.events import UserAdded, UserChanged, UserPasswordReplaced
from domain.change import Change
from domain.ids import UserId
from domain.numbering import NumberTaken
from domain.personal import Personal
from tests.support.given import given

ONE = UserId(1)
ADD = AddUser(
    user_id=ONE,
    username="alice",
    email="alice@example.com",
    full_name="",
    role="admin",
    is_active=True,
    credential="c1",
)
ADDED = UserAdded(
    user_id=ONE,
    username=Personal("account:1", "alice"),
    email=Personal("account:1", "alice@example.com"),
    full_name=None,
    role="admin",
    is_active=True,
    credential="c1",
)


def test_an_account_is_added_once() -> None:
    given(ACCOUNT).when(ADD).then(ADDED)
    with pytest.raises(NumberTaken):
        _ = given(ACCOUNT, ADDED).when(ADD).events


def test_roles_include_the_lower_ones() -> None:
    assert includes("admin", "operator")
    assert includes("operator", "operator")
    assert not includes("viewer", "operator")


def test_user_names_are_unique_whatever_their_case_or_form() -> None:
    assert login_digest("Alice ") == login_digest("alice")
    assert login_digest("\N{LATIN SMALL LIGATURE FI}") == login_digest("fi")
    assert login_digest("alice") != login_digest("bob")
    assert holds(given(ACCOUNT, ADDED).state) == {f"username:{login_digest('ALICE')}"}


def test_role_activity_and_password_revoke_what_was_handed_out_but_names_do_not() -> None:
    stream = given(ACCOUNT, ADDED)
    named = stream.when(ChangeUser(full_name="Alice A.")).then_types(UserChanged)
    assert named.state is not None
    assert named.state.generation == 1
    assert named.state.version == 2
    for command, kind in (
        (ChangeUser(role="viewer"), UserChanged),
        (ChangeUser(is_active=False), UserChanged),
        (ReplacePassword(credential="c2"), UserPasswordReplaced),
        (ChangeUser(credential="c2"), UserPasswordReplaced),
    ):
        state = stream.when(command).then_types(kind).state
        assert state is not None
        assert state.generation == 2


def test_a_change_says_what_differs_and_no_change_is_nothing() -> None:
    stream = given(ACCOUNT, ADDED)
    (event,) = stream.when(ChangeUser(role="operator", email="")).events
    assert isinstance(event, UserChanged)
    assert event.changes == (Change(field="role", old="admin", new="operator"),)
    assert [change.field for change in event.personal_changes] == ["email"]
    stream.when(ChangeUser(role="admin", email="alice@example.com", full_name="")).then()


def test_somebody_stays_admin() -> None:
    stream = given(ACCOUNT, ADDED)
    for command in (ChangeUser(role="viewer"), ChangeUser(is_active=False)):
        stream.when(replace(command, other_admins=False)).then_refused("last_admin")
        stream.when(command).then_types(UserChanged)
    named = ChangeUser(full_name="A", other_admins=False)
    stream.when(named).then_types(UserChanged)


def test_a_version_that_moved_on_and_an_unknown_account_are_refused() -> None:
    given(ACCOUNT, ADDED).when(ChangeUser(role="viewer", expected=2)).then_refused("stale_version")
    given(ACCOUNT).when(ChangeUser(role="viewer")).then_refused("not_found")
