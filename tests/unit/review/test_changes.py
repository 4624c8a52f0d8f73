from caraml_pulumi.review.changes import all_changes
from tests.unit.engine.display.events import SECRET
from tests.unit.review.builders import a_child, a_version, preview, version


def test_every_changed_property_is_shown_but_no_value_of_env() -> None:
    one = a_version()
    child = a_child(one)

    def pod(image: str, level: str) -> dict[str, object]:
        env = [{"name": "LEVEL", "value": level}, {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "keys"}}}]
        return {"spec": {"containers": [{"image": image, "env": env}]}}

    tree = preview(
        one.does(
            "update", version(env={"LEVEL": "hidden-1"}), version(env={"LEVEL": "hidden-2"}, image="ghcr.io/a/b:2")
        ),
        child.does("update", pod("a:1", "hidden-3"), pod("a:2", "hidden-4")),
        a_version(2).does("create", None, {**version(2, env={"A": "hidden-5"}), "token": SECRET}),
        a_version(3).does("create", None, {**version(3), "env": SECRET}),
    )
    shown = "\n".join(line.plain for line in all_changes(tree))
    assert "hidden-" not in shown
    assert '"a:1" => "a:2"' in shown
    assert 'A: "[not shown]"' in shown
    assert "[secret]" in shown


def test_the_preview_itself_stays_as_it_was() -> None:
    tree = preview(a_version().does("create", None, version(env={"LEVEL": "kept"})))
    all_changes(tree)
    [row] = tree.rows.values()
    assert row.metadata["new"]["inputs"]["env"] == {"LEVEL": "kept"}
