"""Does what a client scenario of the conformance suite wants of a client.

`conformance.py REVISION [GATEWAY] URL`: speaks to the suite's server at URL, directly or through the gateway whose program
is given. The suite says which scenario it is.
"""

import asyncio
import contextlib
import json
import os
import re
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import Any, Literal

import mcp
import pydantic
from conformance_login import logged_in
from mcp import types
from mcp.client.stdio import StdioServerParameters


def filled_in(schema: dict[str, Any]) -> dict[str, Any]:
    """The form as a user leaves it who changes nothing: defaults where there are some."""
    anything = {"boolean": True, "string": "something", "integer": 1, "number": 1.5, "array": []}
    fields = schema.get("properties", {})
    return {name: field.get("default", anything.get(field.get("type"))) for name, field in fields.items()}


async def elicit(context, params):
    return types.ElicitResult(action="accept", content=filled_in(params.requested_schema))


async def sample(context, params):
    content = types.TextContent(type="text", text="sampled")
    return types.CreateMessageResult(role="assistant", model="none", content=content)


async def roots(context):
    return types.ListRootsResult(roots=[])


class Scenarios:
    """What each scenario wants, by its name; the others want a list of the tools."""

    def __init__(self, client: mcp.Client, context: dict[str, Any]) -> None:
        self.client = client
        self.context = context

    async def tools(self) -> dict[str, types.Tool]:
        """The server's tools; a gateway that has not met it yet offers to, and offers tools of its own besides."""
        tools = (await self.client.list_tools()).tools
        if any(tool.name == "_suite_connect" for tool in tools):
            await self.client.call_tool("_suite_connect", {})
            tools = (await self.client.list_tools()).tools
        return {tool.name: tool for tool in tools if not tool.name.startswith("gateway_")}

    async def tools_call(self) -> None:
        await self.tools()
        await self.client.call_tool("add_numbers", {"a": 5, "b": 3})

    async def elicitation_sep1034_client_defaults(self) -> None:
        await self.tools()
        await self.client.call_tool("test_client_elicitation_defaults", {})

    async def sse_retry(self) -> None:
        await self.tools()
        result = await self.client.call_tool("test_reconnection", {})
        assert result.content[0].text == "Reconnection test completed successfully", result

    async def sep_2322_client_request_state(self) -> None:
        await self.tools()
        # One after the other, and two at once.
        await self.client.call_tool("test_mrtr_echo_state", {})
        await asyncio.gather(
            self.client.call_tool("test_mrtr_no_state", {}), self.client.call_tool("test_mrtr_unrelated", {})
        )
        # A result that does not say that it is one: the SDK refuses it, the suite looks whether it is asked again.
        with contextlib.suppress(pydantic.ValidationError):
            await self.client.call_tool("test_mrtr_no_result_type", {})

    async def http_standard_headers(self) -> None:
        for name in await self.tools():
            await self.client.call_tool(name, {})
        for resource in (await self.client.list_resources()).resources:
            await self.client.read_resource(resource.uri)
        for prompt in (await self.client.list_prompts()).prompts:
            await self.client.get_prompt(prompt.name, {})

    async def http_custom_headers(self) -> None:
        await self.tools()
        for call in self.context["toolCalls"]:
            await self.client.call_tool(call["name"], call["arguments"])

    async def http_invalid_tool_headers(self) -> None:
        for name in await self.tools():
            await self.client.call_tool(name, {"region": "here"})

    async def json_schema_2020_12_preservation(self) -> None:
        schema = (await self.tools())["json_schema_2020_12_tool"].input_schema
        await self.client.call_tool("json_schema_echo", {"schema": schema})

    async def sep_2640_client_no_prefetch(self) -> None:
        listing = types.Request[dict[str, Any] | None, Literal["skills/list"]](method="skills/list", params={})
        await self.client.session.send_request(listing, types.Result)


class Gateway:
    """The gateway with this one server, whose names it keeps."""

    def __init__(self, program: str, url: str, folder: Path, client: dict[str, str]) -> None:
        self.program = program
        self.config = folder / "gateway.yaml"
        self.config.write_text(json.dumps({"servers": {"suite": {"url": url, "prefix": "none", "oauth": client}}}))
        self.env = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "MCP_"))}
        self.env["HOME"] = str(folder)

    def stdio(self) -> StdioServerParameters:
        args = ["stdio", "-c", str(self.config)]
        return StdioServerParameters(command=self.program, args=args, env=self.env, cwd=self.config.parent)

    async def login(self) -> None:
        """Logs in as a person would whose browser follows the suite's redirects and asks nothing."""
        login = await asyncio.create_subprocess_exec(
            self.program, "server", "login", "suite", "-c", str(self.config),
            env=self.env, cwd=self.config.parent, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        async for line in login.stdout:
            if page := re.search(r"https?://\S+response_type=code\S*", line.decode()):
                await asyncio.to_thread(lambda: urllib.request.urlopen(page[0]).read())
        await login.wait()


async def speak(target: Any, mode: str, scenario: str, context: dict[str, Any]) -> None:
    callbacks = {"elicitation_callback": elicit, "sampling_callback": sample, "list_roots_callback": roots}
    async with mcp.Client(target, mode=mode, cache=None, **callbacks) as client:
        wanted = Scenarios(client, context)
        await getattr(wanted, scenario, wanted.tools)()


async def use_after_login(gateway: Gateway | None, url: str, mode: str, known: dict[str, str]) -> None:
    """Uses a server that wants a login, and another where the first does not reach far enough."""
    if not gateway:
        async with mcp.Client(logged_in(url, known), mode=mode, cache=None) as client:
            await client.list_tools()
            await client.call_tool("test-tool", {})
        return
    failure: Any = None
    for _ in range(3):
        await gateway.login()
        async with mcp.Client(gateway.stdio(), mode=mode, cache=None) as client:
            try:
                await Scenarios(client, {}).tools()
                result = await client.call_tool("test-tool", {})
            except mcp.MCPError as error:
                failure = error
                continue
        if not result.is_error:
            return
        failure = result
    raise SystemExit(f"logging in does not help: {failure}")


async def main() -> None:
    revision, *gateway, url = sys.argv[1:]
    scenario = os.environ["MCP_CONFORMANCE_SCENARIO"]
    context = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT", "{}"))
    mode = "auto" if revision >= "2026" else "legacy"
    with tempfile.TemporaryDirectory() as folder:
        known = {name: context[name] for name in ("client_id", "client_secret") if name in context}
        through = Gateway(gateway[0], url, Path(folder), known) if gateway else None
        if scenario.startswith("auth/"):
            await use_after_login(through, url, mode, known)
        else:
            await speak(through.stdio() if through else url, mode, scenario.replace("-", "_"), context)


asyncio.run(main())
