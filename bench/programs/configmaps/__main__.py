"""As many ConfigMaps as `count` says, in a namespace that is there."""

import pulumi
from pulumi_kubernetes.core.v1 import ConfigMap

config = pulumi.Config()
namespace = config.require("namespace")
for number in range(config.require_int("count")):
    name = f"settings-{number:04}"
    ConfigMap(name, metadata={"name": name, "namespace": namespace}, data={"number": str(number), "text": "x" * 200})
