from caraml_pulumi.manifests.project import namespace
from caraml_pulumi.model.project import ModelProjectSpec, plan_project
from tests.unit.model.builders import platform


def test_a_project_is_a_namespace_that_says_whose_it_is() -> None:
    spec = ModelProjectSpec(project="iris-team", team="fraud", stream="risk", labels={"tier": "gold"})
    assert namespace(plan_project(spec, platform())) == {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": "iris-team",
            "labels": {
                "tier": "gold",
                "caraml.dev/managed": "true",
                "caraml.dev/environment": "dev",
                "caraml.dev/orchestrator": "caraml",
                "caraml.dev/stream": "risk",
                "caraml.dev/team": "fraud",
            },
        },
    }
