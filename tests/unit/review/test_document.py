import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from caraml_pulumi.review.document import SCHEMA_VERSION, schema
from tests.unit.review.builders import a_whole_change, reviewed, rule
from tests.unit.review.test_markdown import whole

PUBLISHED = Path(__file__).parents[3] / "docs/review.schema.json"


@pytest.mark.parametrize("review", [reviewed(), whole(), reviewed(*a_whole_change(), rules=[rule()])])
def test_a_review_is_as_its_published_schema_says(review: Any) -> None:
    published = json.loads(PUBLISHED.read_text())
    Draft202012Validator.check_schema(published)
    Draft202012Validator(published).validate(json.loads(json.dumps(review.document())))


def test_the_published_schema_is_that_of_the_code() -> None:
    assert json.loads(PUBLISHED.read_text()) == schema()


def test_the_schema_refuses_what_it_does_not_know() -> None:
    document = {**reviewed().document(), "more": 1}
    assert not Draft202012Validator(dict(schema())).is_valid(document)


def test_a_review_says_the_version_of_its_schema() -> None:
    assert reviewed().document()["schemaVersion"] == SCHEMA_VERSION


def test_a_program_reads_what_changes(snapshot: Any) -> None:
    assert whole().document() == snapshot
