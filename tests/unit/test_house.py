"""What holds of the project itself, rather than of its program."""

import importlib
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from api.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("package", ["domain", "projections", "adapters", "api"])
def test_each_package_name_resolves_into_our_tree(package: str) -> None:
    found = importlib.import_module(package).__file__
    assert found is not None
    assert Path(found).is_relative_to(ROOT / "src")


def test_compose_file_sets_only_settings_that_exist() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    known = {name.upper() for name in Settings.model_fields}
    assert set(compose["services"]["backend"]["environment"]) <= known


def test_compose_passes_every_setting() -> None:
    """Else what somebody sets in .env is dropped without a word."""
    left = {"DATA_FOLDER"}  # the database is a container of its own
    fixed = {"DATABASE_URL", "HOST", "PORT"}  # of the containers, not of the operator
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    passed = compose["services"]["backend"]["environment"]
    assert {name.upper() for name in Settings.model_fields} == set(passed) | left
    for name in set(passed) - fixed:
        assert passed[name].startswith(f"${{{name}:"), name


def test_compose_fills_in_every_variable_of_the_nginx_templates() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    for name, template in (("frontend", "pages"), ("nginx", "front")):
        text = (ROOT / "deploy" / "nginx" / f"{template}.conf.template").read_text()
        assert set(services[name]["environment"]) == set(re.findall(r"\$\{(\w+)\}", text))


def test_compose_services_say_when_they_are_healthy() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    assert set(services) == {"db", "backend", "frontend", "nginx"}
    assert services["db"]["healthcheck"]["test"][1] == "pg_isready"
    assert "/api/health" in services["backend"]["healthcheck"]["test"][-1]
    for name in ("frontend", "nginx"):
        assert services[name]["healthcheck"]["test"][-1].endswith("/nginx_status")


def test_every_relative_link_in_the_documents_leads_somewhere() -> None:
    documents = [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")]
    for document in documents:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_make_help_names_the_standing_commands() -> None:
    done = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for target in ("demo", "demo-reset", "test", "bench", "help"):
        assert f"make {target} " in done.stdout


def test_every_setting_is_described_to_the_operator() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    for name in {name.upper() for name in Settings.model_fields}:
        assert f"`{name}`" in text, name


@pytest.mark.parametrize(("peer", "traps"), [("Zammad", 25), ("Kimai", 26)])
def test_each_trap_of_a_peer_is_met_by_a_test_that_exists(peer: str, traps: int) -> None:
    """The numbers are those of the peers' references. Who has no test says that it cannot occur."""
    text = (ROOT / "docs" / "peers.md").read_text()
    table = text.split(f"| {peer} | What we do | Test |\n")[1].split("\n\n")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[1:]]
    assert [int(number) for number, _, _ in rows] == list(range(1, traps + 1))
    sources = [path.read_text() for path in (ROOT / "tests").rglob("test_*.py")]
    known = {name for each in sources for name in re.findall(r"def (test_\w+)\(", each)}
    for number, what, named in rows:
        tests = set(re.findall(r"`(test_\w+)`", named))
        assert tests <= known, f"{peer} {number}: {tests - known}"
        assert tests or what.startswith("cannot occur: "), f"{peer} {number}"
