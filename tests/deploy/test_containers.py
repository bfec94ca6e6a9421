"""docker-compose.yml, as far as it can be checked without Docker."""

import re

import pytest
import yaml

from deploy.local import postgres_server
from deploy.local.layout import REPOSITORY, WITH_FILES, built_subgraphs

COMPOSE = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
IMAGES = {
    "service-exchange/subgraphs:0.1.0": "Dockerfile",
    "service-exchange/edge:0.1.0": "edge/Dockerfile",
    "service-exchange/router:0.1.0": "supergraph/router/hive/Dockerfile",
}


@pytest.mark.parametrize("name", built_subgraphs())
def test_each_subgraph_has_a_service_with_its_own_secrets(name):
    service = SERVICES[name]
    assert service["command"] == [name]
    own = ["files:/var/lib/exchange/files"] if name == "tasks" else []
    assert sorted(service["volumes"]) == sorted(
        [f"secrets-{name}:/secrets/{name}:ro", "secrets-public:/secrets/public:ro", *own]
    )
    assert f"secrets-{name}:/secrets/{name}" in SERVICES["secrets"]["volumes"]
    assert name in SERVICES["secrets"]["environment"]["SUBGRAPHS"].split()
    assert name in SERVICES["postgres"]["environment"]["SUBGRAPHS"].split()
    assert SERVICES["router"]["environment"][f"SUBGRAPH_URL_{name.upper()}"] == f"http://{name}:8000/graphql"
    assert SERVICES["router"]["depends_on"][name] == {"condition": "service_healthy"}


def test_only_users_can_sign():
    signing = [name for name, service in SERVICES.items() if "EXCHANGE_SIGNING_KEYS_FILE" in str(service)]
    assert signing == ["users"]


def test_the_edge_brings_files_to_who_has_them_and_nobody_else():
    urls = dict(each.split("=", 1) for each in SERVICES["edge"]["environment"]["EDGE_FILE_URLS"].split(","))
    with_files = {name for name, service in SERVICES.items() if "EXCHANGE_LINK_KEYS_FILE" in str(service)}
    assert urls == {name: f"http://{name}:8000" for name in with_files}
    assert with_files == set(WITH_FILES)
    in_front = {name for name, service in SERVICES.items() if "front" in service.get("networks", ())}
    assert in_front == {"edge", "router", "payments", *with_files}


def test_the_edge_brings_webhooks_to_payments_and_the_sandbox_sends_its_own_past_it():
    assert SERVICES["edge"]["environment"]["EDGE_WEBHOOK_URL"] == "http://payments:8000"
    assert "--webhook-url=http://payments:8000/webhooks/sandbox" in SERVICES["sandbox"]["command"]
    assert SERVICES["payments"]["environment"]["EXCHANGE_SANDBOX_URL"] == "http://sandbox:8000"


def test_what_moves_no_money_runs_in_development_unless_told_otherwise_and_so_does_who_asks_it():
    for name in ("sandbox", "payments"):
        assert SERVICES[name]["environment"]["EXCHANGE_ENVIRONMENT"] == "${EXCHANGE_ENVIRONMENT:-development}"
    assert SERVICES["payments"]["environment"]["EXCHANGE_PAYMENT_PROVIDER"] == "${EXCHANGE_PAYMENT_PROVIDER:-sandbox}"


def test_images_are_pinned():
    for name, service in SERVICES.items():
        assert re.search(r":v?\d+[.\d]*(-[\w.]+)?$", service["image"]), name
    for dockerfile in IMAGES.values():
        for image in re.findall(r"^FROM (\S+)", (REPOSITORY / dockerfile).read_text(), re.MULTILINE):
            assert re.search(r":\d+\.\d+", image), image


def test_nothing_runs_as_root():
    for name, service in SERVICES.items():
        built = IMAGES.get(service["image"])
        last_user = re.findall(r"^USER (\S+)", (REPOSITORY / built).read_text(), re.MULTILINE)[-1:] if built else []
        assert (service.get("user") or last_user[0]) not in ("root", "0"), name


def test_nothing_but_the_edge_and_what_stands_for_others_is_reachable_from_outside():
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"edge", "mail", "sandbox"}
    assert all(port.startswith("127.0.0.1:") for name in ("mail", "sandbox") for port in SERVICES[name]["ports"])
    assert {name for name, network in COMPOSE["networks"].items() if not network.get("internal")} == {
        "front",
        "outside",
    }


def test_only_users_reaches_a_mail_server_elsewhere_only_tasks_a_bucket_and_only_payments_a_provider():
    outside = {name for name, service in SERVICES.items() if "outside" in service.get("networks", ())}
    assert outside == {"users", "mail", "tasks", "payments", "sandbox"}
    assert {name for name, service in SERVICES.items() if "S3_BUCKET" in str(service)} == {"tasks"}
    smtp = {name: value for name, value in SERVICES["users"]["environment"].items() if "SMTP" in name}
    assert smtp == {
        "EXCHANGE_SMTP_ADDRESS": "${EXCHANGE_SMTP_ADDRESS:-mail:1025}",
        "EXCHANGE_SMTP_TLS": "${EXCHANGE_SMTP_TLS:-none}",
        "EXCHANGE_SMTP_USER": "${EXCHANGE_SMTP_USER:-}",
    }


def test_no_secret_stands_in_the_file():
    passwords = re.findall(r"(?i)(?:password|secret|token)\w*: *(\S+)", (REPOSITORY / "docker-compose.yml").read_text())
    taken_from_elsewhere = (
        "/run/secrets/",
        "/secrets/",
        "${EXCHANGE_SMTP_PASSWORD:-}",
        "${EXCHANGE_S3_SECRET_ACCESS_KEY:-}",
        "${EXCHANGE_STRIPE_SECRET_KEY:-}",
        "${EXCHANGE_STRIPE_WEBHOOK_SECRETS:-}",
    )
    assert [value for value in passwords if not value.startswith(taken_from_elsewhere)] == []


def test_databases_get_the_same_extensions_as_on_one_machine():
    script = (REPOSITORY / "deploy" / "docker" / "databases.sh").read_text()
    made = dict(re.findall(r"^ +(\w+)\) extension \1 (\w+) ;;$", script, re.MULTILINE))
    assert made == {name: extensions[0] for name, extensions in postgres_server.EXTENSIONS.items()}


def test_each_image_of_ours_is_built_and_gets_what_it_is_built_from():
    built = {service["image"]: service["build"] for service in SERVICES.values() if "build" in service}
    assert {
        image: {"context": ".", "dockerfile": "Dockerfile"} if build == "." else build for image, build in built.items()
    } == {image: {"context": ".", "dockerfile": dockerfile} for image, dockerfile in IMAGES.items()}
    sent = {line[1:] for line in (REPOSITORY / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for dockerfile in IMAGES.values():
        for line in re.findall(r"^COPY (?!--from)(.+)$", (REPOSITORY / dockerfile).read_text(), re.MULTILINE):
            for source in line.split()[:-1]:
                assert any(source == path or source.startswith(f"{path}/") for path in sent), source
