import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.errors import CaramlError, CaramlErrors
from caraml_pulumi.model.plaintext_secrets import (
    no_plaintext_secret,
    no_plaintext_secrets_in_command,
    secret_kind,
)

MIXED = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
HEXADECIMAL = "3f786850e387550fdab836ed7e6dc881de23001b"
RANDOM = "Zx81kQ0vTn47LmPz"
ISSUED = {
    "a GitHub token": [f"ghp_{MIXED}", f"github_pat_11{MIXED}_{MIXED}"],
    "a GitLab token": ["glpat-abcdefghij0123456789"],
    "an AWS access key": ["AKIA" + "IOSFODNN7ABCDEFG"],
    "a Google API key": ["AIza" + "SyA1234567890abcdefghijklmnopqrstuv"],
    "a Slack token": ["xoxb-123456789012-abcdefghij"],
    "a Slack webhook": ["https://hooks.slack.com/services/T0123456/B0123456/abcdefghijklmnop"],
    "a Stripe key": ["sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"],
    "an OpenAI key": [f"sk-proj-{MIXED}T3BlbkFJ{MIXED}"],
    "an Anthropic key": [f"sk-ant-api03-{MIXED * 3}"],
    "a Hugging Face token": ["hf_" + "abcdefghijklmnopqrstuvwxyzABCDEFGH"],
    "a Databricks token": ["dapi" + HEXADECIMAL[:32]],
    "a Pulumi token": [f"pul-{HEXADECIMAL}"],
    "an npm token": [f"npm_{MIXED}"],
    "a PyPI token": [f"pypi-AgEIcHlwaS5vcmc{MIXED * 2}"],
    "a SendGrid key": [f"SG.{MIXED[:22]}.{MIXED}1234567"],
    "an Azure storage key": [f"DefaultEndpointsProtocol=https;AccountName=x;AccountKey={'a' * 86}=="],
    "an Azure client secret": ["abc8Q~" + MIXED[:31]],
    "a JSON Web Token": ["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"],
    "a private key": ["-----BEGIN RSA PRIVATE KEY-----\nMIIE", "-----BEGIN PRIVATE KEY-----"],
}


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in ISSUED.items() for value in values])
def test_a_credential_is_known_by_its_issuers_form_under_any_name(kind: str, value: str) -> None:
    assert secret_kind("GREETING", value) == kind
    assert secret_kind("GREETING", f'{{"url": "x", "use": "{value}"}}') == kind


@pytest.mark.parametrize(
    "value",
    [
        "postgres://iris:hunter2@db:5432/iris",
        "redis://:hunter2@cache",
        "a=https://u:p@h",
        "iris:hunter2@tcp(db:3306)/iris",
    ],
)
def test_a_url_with_a_password_in_it_is_a_secret(value: str) -> None:
    assert secret_kind("FEATURE_STORE", value) == "a URL with a password"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DB_PASSWORD", "hunter2"),
        ("PGPASSWORD", "changeme"),
        ("db.passphrase", "correct horse"),
        ("dbPassword", "abc/def.txt"),
        ("MYSQL_PWD", "hunter2"),
        ("SMTP_PASS", "hunter2"),
        ("ADMIN_PASSWORD_PROD", "20240101"),
    ],
)
def test_whatever_is_called_a_password_is_one(name: str, value: str) -> None:
    assert secret_kind(name, value) == "a password"


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("WANDB_API_KEY", HEXADECIMAL, "a key"),
        ("apiToken", RANDOM, "a token"),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCY8o2LxqVt3a", "a key"),
        ("CLIENT_SECRET_VALUE", MIXED, "a secret"),
        ("REDIS_AUTH", HEXADECIMAL, "an auth"),
        ("DJANGO_SECRET_KEY", "django-insecure-4x#k2!v9$qz&m1p8@w7", "a key"),
    ],
)
def test_a_random_text_is_a_secret_where_the_name_says_so(name: str, value: str, kind: str) -> None:
    assert secret_kind(name, value) == kind


@pytest.mark.parametrize(
    "value",
    [
        "Server=db;User=iris;Password=hunter2;",
        "https://db.example.com/?sslmode=require&password=hunter2",
        '{"user": "iris", "password": "hunter2"}',
        f"Authorization=Bearer {MIXED}",
        f"export API_TOKEN={MIXED} && serve",
    ],
)
def test_a_secret_inside_a_longer_text_is_found(value: str) -> None:
    assert secret_kind("OPTIONS", value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REQUEST_ID", "3f2504e0-4f89-11d3-9a0c-0305e82c3301"),
        ("API_KEY", "3f2504e0-4f89-11d3-9a0c-0305e82c3301"),
        ("GIT_SHA", HEXADECIMAL),
        ("MODEL_DIGEST", f"sha256:{HEXADECIMAL}"),
        ("MODEL_KEY", f"sha256:{HEXADECIMAL}"),
        ("BUILD_COMMIT", HEXADECIMAL),
        ("TOKEN_FILE", "/var/run/secrets/token"),
        ("DB_PASSWORD", "/run/secrets/db"),
        ("GOOGLE_APPLICATION_CREDENTIALS", "/etc/gcp/key.json"),
        ("TOKEN_URL", "https://login.example.com/oauth2/token?tenant=a1b2c3d4e5f6a7b8"),
        ("AUTH", "https://login.example.com/Zx81kQ0vTn47LmPz"),
        ("MAX_TOKENS", "4096"),
        ("PASSWORD_MIN_LENGTH", "12"),
        ("RESET_PASSWORD", "30"),
        ("ALLOW_EMPTY_PASSWORD", "yes"),
        ("MYSQL_RANDOM_ROOT_PASSWORD", "true"),
        ("DB_PASSWORD", ""),
        ("DB_PASSWORD", "$(DB_PASSWORD_FROM_SECRET)"),
        ("DB_PASSWORD", "${DB_PASSWORD}"),
        ("DB_PASSWORD", "$DB_PASSWORD"),
        ("DB_PASSWORD", "vault:secret/data/db#password"),
        ("DB_PASSWORD", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-Zx81kQ"),
        ("DB_PASSWORD", "projects/shop/secrets/db/versions/latest"),
        ("DB_PASSWORD", "********"),
        ("DATABASE_URL", "postgres://$(USER):$(PASSWORD)@db/iris"),
        ("DATABASE_URL", "postgres://iris:********@db/iris"),
        ("MIGRATE", "-database postgres://$$POSTGRES_USER:$$POSTGRES_PASSWORD@db:5432/iris"),
        ("DATABASE_URL", "postgres://iris@db/iris"),
        ("DATABASE_DSN", "iris:$(PASSWORD)@tcp(db:3306)/iris"),
        ("IMAGE", f"ghcr.io/team/iris:1@sha256:{HEXADECIMAL}"),
        ("REPOSITORY", "git@github.com:team/iris.git"),
        ("CLIENT_KEY", "system:serviceaccount:iris-team:default"),
        ("PARTITION_KEY", "$.customer.address.zip5"),
        ("OPENAI_API_KEY", "dummy-key-for-local-vllm-server"),
        ("MODEL_KEY", "Models/Iris/V2/weights"),
        ("ROLE", "arn:aws:iam::123456789012:role/Zx81kQ0vTn47LmPz"),
        ("PAD_TOKEN", "<|reserved_special_token_250|>"),
        ("EOS_TOKEN", "</s>"),
        ("MASK_TOKEN", "[MASK]"),
        ("TOKENIZER", "bert-base-uncased"),
        ("TOKEN_SECRET", "iris-token-5f7d8c9b6d-x2x9z"),
        ("MODEL_KEY", "fraud-detection-v2-prod-2024"),
        ("MODEL_KEY", "resnet50-v2-fp16-bs32-224x224"),
        ("ENTITY_KEY", "customer_id"),
        ("S3_KEY", f"models/iris/{HEXADECIMAL}/model.pkl"),
        ("CACHE_KEY", HEXADECIMAL),
        ("SSH_PUBLIC_KEY", f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{MIXED}"),
        ("SNAPSHOT_KEY", "20240101T000000Z"),
        ("OPT_PASS", "layout"),
        ("PWD", "srv"),
        ("AWS_ACCESS_KEY_ID", "AKIA" + "IOSFODNN7EXAMPLE"),
        ("STANDARD_TRANSFORMER_CONFIG", '{"feast":[{"entities":[{"name":"driver","joinKey":"driver_id"}]}]}'),
        ("LOG_FORMAT", "level=%(levelname)s token=%(token)s"),
        ("AFFINITY_KEY", "aaaaaaaabbbbbbbbcccccccc1111"),
    ],
)
def test_what_is_no_secret_passes(name: str, value: str) -> None:
    assert secret_kind(name, value) == ""


@given(name=st.from_regex(r"(HOST|PORT|MODEL|REGION|LOG_LEVEL|THREADS)(_[A-Z]{1,8})?", fullmatch=True), value=st.text())
def test_no_text_under_an_ordinary_name_is_taken_for_a_secret(name: str, value: str) -> None:
    assert secret_kind(name.replace("KEY", "K").replace("AUTH", "A"), value) == ""


@given(value=st.from_regex(r"[a-z]{2,9}([-_.][a-z0-9]{1,9}){0,4}", fullmatch=True))
def test_no_identifier_is_taken_for_a_random_text(value: str) -> None:
    assert secret_kind("MODEL_KEY", value) == ""


@given(st.binary(min_size=20, max_size=20))
def test_nearly_every_random_digest_is_taken_for_one_where_the_name_says_so(value: bytes) -> None:
    digits = value.hex()
    changes = len(re.findall(r"(?=[0-9][a-f]|[a-f][0-9])", digits))
    assert secret_kind("API_KEY", digits) == "a key" or changes < 12 or len(set(digits)) < 10


def test_the_message_has_the_name_and_the_kind_and_never_the_value() -> None:
    value = f"ghp_{MIXED}"
    with pytest.raises(CaramlError) as caught:
        no_plaintext_secret("DB_TOKEN", value)
    assert caught.value.what == "DB_TOKEN looks like a GitHub token"
    assert "secretKeyRef" in caught.value.fix
    assert MIXED[:6] not in str(caught.value)


@pytest.mark.parametrize(
    ("words", "places"),
    [
        (["serve", "--password", "hunter2"], ["[2]"]),
        (["serve", "--api-key=" + HEXADECIMAL, "x"], ["[1]"]),
        (["sh", "-c", f"TOKEN={MIXED} serve"], ["[2]"]),
        (["serve", "--password=hunter2", "--db", "postgres://u:hunter2@db/x"], ["[1]", "[3]"]),
    ],
)
def test_a_secret_in_a_command_is_found_and_its_place_told(words: list[str], places: list[str]) -> None:
    with pytest.raises(CaramlErrors) as caught:
        no_plaintext_secrets_in_command(words)
    assert [error.where for error in caught.value.errors] == places
    assert "hunter2" not in str(caught.value)
    assert MIXED not in str(caught.value)


@pytest.mark.parametrize(
    "words",
    [
        ["serve", "--password", "$(DB_PASSWORD)"],
        ["serve", "--password-file", "/run/secrets/db"],
        ["serve", "--password", "--verbose"],
        ["serve", "--model_name=iris", "--rest_api_port=8080", "--model_base_path=/mnt/models"],
        ["python", "-m", "server", "--max-tokens", "4096"],
    ],
)
def test_an_ordinary_command_passes(words: list[str]) -> None:
    no_plaintext_secrets_in_command(words)
