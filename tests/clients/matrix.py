"""The official Python client, which tries all that a server offers and prints what it saw as one JSON document:

    matrix.py --mode legacy|auto PROFILE stdio -- COMMAND ARGS… | http URL | sse URL

The same document as that of matrix.mjs. With `--mode auto` the client speaks the revision of 2026 where the server does:
what that revision does in another way is written down as the same thing, and what it has not is said to be absent.
"""

import base64
import hashlib
import json
import os
import re
import sys
import uuid
import warnings
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import mcp
from mcp import types
from mcp.client.sse import sse_client
from mcp.client.stdio import StdioServerParameters
from mcp.shared.exceptions import MCPDeprecationWarning

# What the revision of 2026 has done away with is used on purpose.
warnings.simplefilter("ignore", MCPDeprecationWarning)

DEADLINE = 10
# So many answers may fail to come before the rest is not tried.
HOPELESS = 2
ABSENT = "absent from this revision"
LEVEL = "io.modelcontextprotocol/logLevel"
TIME = re.compile(r"\d{1,2}:\d{2}:\d{2}(\s?[AP]M)?")
SESSION = re.compile(r"[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}")
KNOWN = {"name": "Ada", "color": "blue", "check": True, "integer": 7, "sure": True}


class Late(Exception):
    """Something did not come in time."""


class Heard:
    """What has come, in its order, and a way to wait for more."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self.more = anyio.Event()

    def add(self, item: Any) -> None:
        self.items.append(item)
        more, self.more = self.more, anyio.Event()
        more.set()

    async def until(self, what: str, found: Callable[[list[Any]], Any]) -> Any:
        with anyio.move_on_after(DEADLINE):
            while not (value := found(self.items)):
                await self.more.wait()
            return value
        raise Late(what)


def is_last(report: Any) -> bool:
    return report["progress"] == report["total"]


def clean(value: Any, name: str | None = None) -> Any:
    if isinstance(value, str):
        text = TIME.sub("TIME", SESSION.sub("SESSION", readable(value) if name == "blob" else value))
        # A long text is as good as its digest.
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        return text if len(text) < 10_000 else f"{len(text)} characters, {digest}"
    if isinstance(value, list):
        return [clean(item) for item in value]
    if isinstance(value, dict):
        return {name: clean(item, name) for name, item in value.items()}
    return value


def readable(blob: str) -> str:
    """A blob, readable where it tells the time."""
    text = base64.b64decode(blob).decode(errors="replace")
    return f"base64 of {text}" if TIME.search(text) else blob


def plain(value: Any) -> Any:
    """As it came: what the SDK adds of its own is left out."""
    return value.model_dump(mode="json", by_alias=True, exclude_unset=True) if hasattr(value, "model_dump") else value


def text_of(result: Any) -> str:
    return result["content"][0]["text"]


class Matrix:
    def __init__(self, profile: dict[str, Any]) -> None:
        self.profile = profile
        self.key = uuid.uuid4().hex
        self.seen: dict[str, Any] = {}
        self.late = 0
        self.asked, self.logs, self.progress, self.updates, self.changes = Heard(), Heard(), Heard(), Heard(), Heard()
        self.roots = [types.Root(uri="file:///home/ada", name="home")]
        self.client: mcp.Client

    # === what the server asks and tells ===

    async def sample(self, context: Any, params: Any) -> types.CreateMessageResult:
        self.ask("sampling/createMessage", params)
        content = types.TextContent(type="text", text="a crab 🦀")
        return types.CreateMessageResult(role="assistant", model="none", stop_reason="endTurn", content=content)

    async def elicit(self, context: Any, params: Any) -> types.ElicitResult:
        self.ask("elicitation/create", params)
        if "decline" in params.message:
            return types.ElicitResult(action="decline")
        properties = params.requested_schema["properties"]
        content = {name: value for name, value in KNOWN.items() if name in properties}
        return types.ElicitResult(action="accept", content=content)

    async def list_roots(self, context: Any) -> types.ListRootsResult:
        self.ask("roots/list", {})
        return types.ListRootsResult(roots=self.roots)

    def ask(self, method: str, params: Any) -> None:
        params = plain(params)
        self.asked.add({"method": method, "params": {name: params[name] for name in params if name != "_meta"}})

    async def log(self, params: Any) -> None:
        self.logs.add({name: value for name, value in plain(params).items() if name != "_meta"})

    async def message(self, message: Any) -> None:
        if isinstance(message, types.ResourceUpdatedNotification):
            self.updates.add({"uri": message.params.uri})
        if isinstance(message, types.ToolListChangedNotification):
            self.changes.add(True)

    # === steps ===

    async def step(self, name: str, run: Callable[[], Awaitable[Any]]) -> None:
        if self.late >= HOPELESS:
            self.seen[name] = {"not tried": "too much did not come"}
            return
        self.seen[name] = clean(await self.guarded(run))

    async def guarded(self, run: Callable[[], Awaitable[Any]]) -> Any:
        """What comes of it; what it throws is written down too."""
        if self.late >= HOPELESS:
            return {"not tried": True}
        try:
            with anyio.fail_after(2 * DEADLINE):
                return plain(await run())
        except Exception as error:
            # Groups of errors, which task groups raise.
            while inner := getattr(error, "exceptions", None):
                error = inner[0]
            return self.failure(error)

    def failure(self, error: Exception) -> Any:
        if isinstance(error, mcp.MCPError):
            # A request that is never answered becomes an error of this code.
            if error.error.code != types.REQUEST_TIMEOUT:
                return {"error": plain(error.error)}
            error = Late(error.error.message)
        if isinstance(error, (Late, TimeoutError)):
            self.late += 1
            return {"did not come": str(error)}
        return {"thrown": f"{type(error).__name__}: {error}"}

    async def every(self, table: str, run: Callable[[Any], Awaitable[Any]]) -> dict[str, Any]:
        async def one(item: Any) -> Any:
            return await self.guarded(lambda: run(item))

        return {label: await one(item) for label, item in self.profile.get(table, {}).items()}

    async def call(self, tool: list[Any], uri: str = "", next: str = "0", meta: Any = None) -> Any:
        name, arguments = tool
        text = json.dumps(arguments).replace("$KEY", self.key).replace("$URI", uri).replace('"$NEXT"', next)
        filled = json.loads(text)

        async def progress(done: float, total: float | None, message: str | None) -> None:
            step = {"progress": done, "total": total, "message": message}
            self.progress.add({name: value for name, value in step.items() if value is not None})

        return plain(await self.client.call_tool(name, filled, progress_callback=progress, meta=meta))

    async def run(self) -> None:
        profile, client = self.profile, self.client
        self.modern = client.protocol_version >= "2026"
        self.seen["protocol"] = client.protocol_version
        self.seen["server"] = plain(client.server_info)
        self.seen["capabilities"] = plain(client.server_capabilities)
        self.seen["instructions"] = client.instructions
        await self.step("placeholder", self.placeholder)
        if "ready" in profile:
            await self.step("ready", lambda: self.absent() if self.modern else self.ready())
        await self.step("ping", lambda: self.absent() if self.modern else client.send_ping())
        for field in ["tools", "prompts", "resources", "resource_templates"]:
            await self.step(re.sub("_t", "T", field), lambda: self.listed(field))
        await self.step("calls", lambda: self.every("calls", self.call))
        await self.step("progress", self.twenty)
        await self.step("cancel", self.cancel)
        await self.step("asks", lambda: self.every("asks", self.questions))
        await self.step("rooted", self.rooted)
        await self.step("prompt", lambda: self.every("prompts", lambda prompt: client.get_prompt(*prompt)))
        await self.step("read", lambda: self.every("reads", client.read_resource))
        await self.step("complete", lambda: self.every("completions", self.complete))
        await self.step("logging", self.logging)
        await self.step("subscription", self.listening if self.modern else self.subscribing)
        if "list_changed" in profile:
            await self.step("list_changed", self.list_changed)
        if "roots_changed" in profile:
            await self.step("roots_changed", lambda: self.absent() if self.modern else self.roots_changed())
        await self.step("unknown tool", lambda: self.call(["no-such-tool", {}]))
        await self.step("unknown prompt", lambda: client.get_prompt("no-such-prompt"))
        await self.step("unknown resource", lambda: client.read_resource("nothing://here"))

    async def placeholder(self) -> Any:
        # A gateway that has yet to learn a server's tools offers one that makes it learn them.
        names = [tool["name"] for tool in await self.listed("tools")]
        found = next((name for name in names if re.fullmatch("_.+_connect", name)), None)
        return found and await self.call([found, {}])

    async def absent(self) -> str:
        return ABSENT

    async def ready(self) -> Any:
        # Whoever starts a server only when it is called has started it then.
        await self.call(self.profile["ready"]["call"])
        return await self.said(self.profile["ready"]["log"])

    async def said(self, text: str, since: int = 0) -> Any:
        return await self.logs.until("log", lambda logs: next((log for log in logs[since:] if log["data"] == text), None))

    async def listed(self, field: str) -> list[Any]:
        items: list[Any] = []
        cursor = None
        while True:
            page = await getattr(self.client, f"list_{field}")(cursor=cursor)
            items += [plain(item) for item in getattr(page, field)]
            if not (cursor := page.next_cursor):
                return items

    async def twenty(self) -> Any:
        before = len(self.progress.items)
        result = await self.call(self.profile["progress"])
        # The client hands each report on in a task of its own, which may run after whoever waits for the result.
        await self.progress.until("the last report", lambda all: any(is_last(report) for report in all[before:]))
        return {"steps": self.progress.items[before:], "result": result}

    async def cancel(self) -> Any:
        cancel = self.profile["cancel"]
        count = int(text_of(await self.call(cancel["count"]))) if "count" in cancel else 0
        before = len(self.progress.items)
        ended = "cancelled"
        async with anyio.create_task_group() as group:

            async def running() -> None:
                nonlocal ended
                ended = await self.guarded(lambda: self.call(cancel["call"]))

            group.start_soon(running)
            if "begun" in cancel:
                await self.call(cancel["begun"])
            else:
                await self.progress.until("progress of the call", lambda steps: len(steps) > before)
            group.cancel_scope.cancel()
        if "seen" not in cancel:
            return {"ended": ended}
        seen = text_of(await self.call(cancel["seen"], next=str(count + 1)))
        # How many there were before depends on who else was here.
        return {"ended": ended, "seen": int(seen) - count if "count" in cancel else seen}

    async def questions(self, tool: list[Any]) -> Any:
        before = len(self.asked.items)
        result = await self.call(tool)
        # Roots may have been fetched before.
        questions = [question for question in self.asked.items[before:] if question["method"] != "roots/list"]
        return {"questions": questions, "result": result}

    async def rooted(self) -> Any:
        return await self.asked.until("question for roots", lambda asked: next((q for q in asked if q["method"] == "roots/list"), None))

    async def complete(self, completion: list[Any]) -> Any:
        reference, (name, value), context = completion
        kind = types.PromptReference if reference["type"] == "ref/prompt" else types.ResourceTemplateReference
        return await self.client.complete(kind(**reference), {"name": name, "value": value}, context)

    async def logging(self) -> Any:
        client, logging = self.client, self.profile["logging"]
        before = len(self.logs.items)
        if "calls" in logging:
            meta = {LEVEL: logging["quiet"]} if self.modern else None
            if not self.modern:
                await client.set_logging_level(logging["quiet"])
            for tool in logging["calls"]:
                await self.call(tool, meta=meta)
            last = logging["last"]
            await self.logs.until("last log", lambda logs: any(log["level"] == last for log in logs[before:]))
            if not self.modern:
                await client.set_logging_level("debug")
        elif self.modern:
            return ABSENT
        else:
            await client.set_logging_level(logging["quiet"])
            await client.subscribe_resource(logging["subscription"])
            await client.set_logging_level(logging["loud"])
            await client.unsubscribe_resource(logging["subscription"])
            await self.logs.until("log", lambda logs: len(logs) > before)
        return {"logs": self.logs.items[before:]}

    async def subscribing(self) -> Any:
        subscription = self.profile["subscription"]
        before = len(self.updates.items)
        answers = []
        for index, uri in enumerate(subscription["uris"]):
            await self.client.subscribe_resource(uri)
            answers.append(await self.call(subscription["touch"], uri))
            await self.updates.until(f"update of {uri}", lambda updates: len(updates) > before + index)
            if after := subscription.get("after"):
                answers.append(await self.call(after))
            await self.client.unsubscribe_resource(uri)
            # Nobody has subscribed any more: an update would stand between the two that are expected.
            if "again" in subscription:
                await self.call(subscription["touch"], uri)
        return {"answers": answers, "updates": self.updates.items[before:]}

    async def listening(self) -> Any:
        subscription = self.profile["subscription"]
        answers, updates = [], []
        for uri in subscription["uris"]:
            async with self.client.listen(resource_subscriptions=[uri]) as events:
                answers.append(await self.call(subscription["touch"], uri))
                updates.append({"uri": (await self.event(f"update of {uri}", events)).uri})
                if after := subscription.get("after"):
                    answers.append(await self.call(after))
            if "again" in subscription:
                await self.call(subscription["touch"], uri)
        return {"answers": answers, "updates": updates}

    async def event(self, what: str, events: Any) -> Any:
        with anyio.move_on_after(DEADLINE):
            return await anext(events)
        raise Late(what)

    async def list_changed(self) -> Any:
        change = self.profile["list_changed"]

        async def there() -> bool:
            return any(tool["name"] == change["tool"] for tool in await self.listed("tools"))

        if self.modern:
            async with self.client.listen(tools_list_changed=True) as events:
                return await self.changing(lambda before: self.event("tools/list_changed", events), there)

        async def told(before: int) -> None:
            await self.changes.until("tools/list_changed", lambda changes: len(changes) > before)

        return await self.changing(told, there)

    async def changing(self, told: Callable[[int], Awaitable[Any]], there: Callable[[], Awaitable[bool]]) -> Any:
        change = self.profile["list_changed"]
        before = len(self.changes.items)
        await self.call(change["grow"])
        await told(before)
        grown = {"grown": await there(), "called": await self.call([change["tool"], {}])}
        before = len(self.changes.items)
        await self.call(change["shrink"])
        await told(before)
        return {**grown, "shrunk": not await there()}

    async def roots_changed(self) -> Any:
        before = len(self.logs.items)
        self.roots = [*self.roots, types.Root(uri="file:///srv", name="srv")]
        await self.client.send_roots_list_changed()
        await self.said(self.profile["roots_changed"]["log"], before)
        return await self.call(self.profile["roots_changed"]["call"])


def connection(kind: str, target: list[str]) -> Any:
    if kind == "stdio":
        command, *args = target[1:]
        return StdioServerParameters(command=command, args=args, env=dict(os.environ))
    return target[0] if kind == "http" else sse_client(target[0])


async def main() -> None:
    _, mode, profile, kind, *target = sys.argv[1:]
    profiles = json.loads((Path(__file__).parent / "matrix.json").read_text())
    matrix = Matrix(profiles[profile])
    matrix.client = mcp.Client(
        connection(kind, target),
        mode=mode,
        cache=None,
        log_level="debug",
        read_timeout_seconds=DEADLINE,
        client_info=types.Implementation(name="matrix-python", version="1"),
        sampling_callback=matrix.sample,
        elicitation_callback=matrix.elicit,
        list_roots_callback=matrix.list_roots,
        logging_callback=matrix.log,
        message_handler=matrix.message,
    )
    done = False
    try:
        async with matrix.client:
            await matrix.run()
            done = True
    except Exception:
        # The SDK's SSE transport trips over what arrives while it closes, which is nobody's business here.
        if not done:
            raise
    print(json.dumps(matrix.seen))


anyio.run(main)
