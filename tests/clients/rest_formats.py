"""Addresses for schemathesis: none that leads to a machine of somebody else's."""

import schemathesis
from hypothesis import strategies

schemathesis.openapi.format(
    "uri",
    strategies.sampled_from([
        "http://127.0.0.1:9/mcp",
        "http://127.0.0.1:9/sse",
        "https://nowhere.invalid/mcp?key=value",
        "https://10.0.0.1/mcp",
    ]),
)
