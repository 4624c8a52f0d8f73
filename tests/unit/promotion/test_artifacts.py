"""Where the artifacts of promoted versions go."""

from caraml_pulumi.promotion.artifacts import promoted_artifacts, tree_digest
from tests.unit.promotion.releases import version

DIGEST = "c" * 64
TREE = f"s3://dev-models/team/iris/{DIGEST}"


def gone_to(uri: str, there: str = "", bucket: str | None = None) -> str:
    known = [version(1, storageUri=there)] if there else [version(1)]
    [artifact] = promoted_artifacts([version(2, storageUri=uri)], known, bucket)
    return artifact.promoted_uri


def test_a_tree_goes_to_the_targets_bucket_and_keeps_its_model_and_digest() -> None:
    assert gone_to(TREE, bucket="s3://prod-models") == f"s3://prod-models/iris/{DIGEST}"
    assert gone_to(TREE, bucket="s3://prod-models/ml/") == f"s3://prod-models/ml/iris/{DIGEST}"
    assert gone_to(f"{TREE}/", bucket="s3://prod-models") == f"s3://prod-models/iris/{DIGEST}"


def test_without_a_bucket_it_goes_where_artifacts_of_the_model_are_already_and_else_stays() -> None:
    assert gone_to(TREE, there=f"s3://prod-models/x/iris/{'d' * 64}") == f"s3://prod-models/x/iris/{DIGEST}"
    assert gone_to(TREE) == TREE
    assert gone_to(TREE, there="gs://elsewhere/iris") == TREE


def test_what_names_no_digest_stays_where_it_is() -> None:
    for uri in ("gs://models/iris", "s3://models/iris/latest", "pvc://claim/iris", f"s3://models/{DIGEST}"):
        assert gone_to(uri, bucket="s3://prod-models") == uri
        assert tree_digest(uri) == ""
    assert tree_digest(TREE) == DIGEST


def test_a_version_without_an_artifact_has_none() -> None:
    assert promoted_artifacts([version(1)], [], "s3://prod-models") == []
