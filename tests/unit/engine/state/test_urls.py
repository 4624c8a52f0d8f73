"""A password in a URL is not shown."""

import pytest

from caraml_pulumi.engine.state.urls import without_credentials


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:hunter2@git.example.com/shop.git", "https://git.example.com/shop.git"),
        ("https://token@git.example.com/shop.git", "https://git.example.com/shop.git"),
        ("postgres://me:p%40ss@db.example.com:5432/state?sslmode=require", "postgres://db.example.com:5432/state?sslmode=require"),
        ("ssh://git@git.example.com/shop.git", "ssh://git@git.example.com/shop.git"),
        ("git@git.example.com:shop.git", "git@git.example.com:shop.git"),
        ("file:///home/me@work/state", "file:///home/me@work/state"),
        ("s3://bucket/me@work?endpoint=127.0.0.1:9000", "s3://bucket/me@work?endpoint=127.0.0.1:9000"),
        ("", ""),
    ],
)  # fmt: skip
def test_credentials_are_left_out_and_nothing_else(url: str, shown: str) -> None:
    assert without_credentials(url) == shown
