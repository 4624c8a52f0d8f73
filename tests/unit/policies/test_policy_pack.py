"""A platform's own repository has a pack of three files, whose program serves the rules that the library brings."""

import subprocess
import sys
from pathlib import Path

from caraml_pulumi import policy_pack
from caraml_pulumi.engine.policies import PolicyPack
from policies.rules import all_rules


def test_a_pack_of_another_repository_serves_every_rule(tmp_path: Path) -> None:
    pack = tmp_path / "policies"
    pack.mkdir()
    (pack / "PulumiPolicy.yaml").write_text("runtime: python\nversion: 1.2.3\n")
    (pack / "__main__.py").write_text("from caraml_pulumi.policy_pack import serve\n\nserve()\n")
    opened = PolicyPack(pack, project="shop", stack="dev", preview=True, config={})
    try:
        assert sorted(rule.name for rule in opened.rules) == [rule.name for rule in all_rules()]
    finally:
        opened.close()


def test_the_sources_of_the_pack_have_their_profiles_and_pages_beside_them() -> None:
    home = policy_pack.home()
    assert (home / "policies/profiles/prod.json").is_file()
    assert (home / "docs/policies/image-pinned-by-digest.md").is_file()


def test_naming_the_pack_starts_no_server() -> None:
    code = "import sys; import caraml_pulumi.policy_pack as pack; pack.home(); assert 'grpc' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
