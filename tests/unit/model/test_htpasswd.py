"""The htpasswd file, checked with OpenSSL's own apr1."""

import subprocess

from caraml_pulumi.model.htpasswd import htpasswd


def lines(tokens: dict[str, str], realm: str = "iris-team/iris") -> dict[str, str]:
    return dict(line.split(":", 1) for line in htpasswd(tokens, realm).splitlines())


def test_each_client_has_a_line_with_the_apr1_hash_of_its_token() -> None:
    found = lines({"batch": "battery staple", "app": "correct horse"})
    assert list(found) == ["app", "batch"]
    for token, hashed in zip(("correct horse", "battery staple"), found.values(), strict=True):
        _, scheme, salt, _ = hashed.split("$")
        assert scheme == "apr1"
        command = ["openssl", "passwd", "-apr1", "-salt", salt, token]
        assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == hashed


def test_the_same_clients_give_the_same_file_whatever_their_order() -> None:
    assert htpasswd({"a": "token-of-a", "b": "token-of-b"}, "r") == htpasswd(
        {"b": "token-of-b", "a": "token-of-a"}, "r"
    )


def test_one_token_has_another_hash_for_another_client_and_for_another_endpoint() -> None:
    shared = {"a": "the same token", "b": "the same token"}
    hashes = {*lines(shared, "iris-team/iris").values(), *lines(shared, "iris-team/wine").values()}
    assert len(hashes) == 4


def test_no_token_is_in_the_file() -> None:
    assert "correct horse" not in htpasswd({"app": "correct horse"}, "iris-team/iris")
