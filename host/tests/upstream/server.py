"""A server with all kinds of habits. MODE says how it starts, each tool has a habit of its own."""
import json
import os
import signal
import subprocess
import sys
import time

mode = os.environ.get("MODE", "plain")
started = os.environ.get("STARTED")
if started:
    with open(started, "a") as log:
        log.write(f"{os.getpid()}\n")

tools = ["add", "pid", "hold", "release", "crash", "mute", "garbage", "progress", "grow", "ask", "seen", "family", "fail"]
tools += ["say", "log", "touch", "grow_prompts", "meta", "rounds", "endless", "harmless", "once"]
prompts, held, seen, asked = ["greet"], [], [], {}
subscribed, listening = set(), {}
MODERN = "2026-07-28"
FULL = {
    "tools": {"listChanged": True},
    "prompts": {"listChanged": True},
    "resources": {"listChanged": True, "subscribe": True},
    "completions": {},
    "logging": {},
}
full = mode in ("full", "modern", "dual")


def send(**message):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def answer(id, value):
    send(id=id, result={"content": [], "structuredContent": value})


def updated(uri):
    if uri in subscribed:
        send(method="notifications/resources/updated", params={"uri": uri})
    for id, uris in listening.items():
        if uri in uris:
            meta = {"io.modelcontextprotocol/subscriptionId": id}
            send(method="notifications/resources/updated", params={"_meta": meta, "uri": uri})


def definitions():
    plain = {"inputSchema": {"type": "object"}, "x-odd": 1.50}
    hints = {"harmless": {"annotations": {"readOnlyHint": True}}}
    return [{"name": name, **plain, **hints.get(name, {})} for name in tools]


def family():
    """A child that ignores SIGTERM, and one that leaves the group; both hold every file of this process."""
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)"
    one = subprocess.Popen([sys.executable, "-c", stubborn], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, close_fds=False)
    one.stdout.readline()
    two = subprocess.Popen(["sleep", "600"], start_new_session=True, close_fds=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return [one.pid, two.pid]


def call(id, params):
    name = params["name"]
    if name == "add":
        answer(id, {"params": params})
    elif name == "pid":
        answer(id, os.getpid())
    elif name == "hold":
        held.append(id)
    elif name == "release":
        for other in held:
            answer(other, "released")
        held.clear()
        answer(id, None)
    elif name == "crash":
        print("Fatal: the disk is on fire", file=sys.stderr, flush=True)
        os._exit(3)
    elif name == "garbage":
        print("Listening on nothing...\n[1,\n{}", flush=True)
        send(id=4711, result={})
        send(id=str(id), result={"content": []})
    elif name == "progress":
        for at in range(3):
            send(method="notifications/progress", params={"progressToken": params["_meta"]["progressToken"], "progress": at})
        answer(id, params["_meta"].get("trace"))
    elif name == "grow":
        tools.append("more")
        send(method="notifications/tools/list_changed")
        answer(id, None)
    elif name == "ask":
        asked["q"] = id
        send(id="q", method="roots/list")
    elif name == "seen":
        answer(id, seen)
    elif name == "family":
        answer(id, family())
    elif name == "say":
        send(method="vendor/news", params={"x": 1})
        answer(id, None)
    elif name == "log":
        send(method="notifications/message", params={"level": "info", "data": "hello"})
        answer(id, None)
    elif name == "touch":
        updated("x:1")
        answer(id, None)
    elif name == "grow_prompts":
        prompts.append("more")
        send(method="notifications/prompts/list_changed")
        answer(id, None)
    elif name == "meta":
        answer(id, params["_meta"])
    elif name == "rounds":
        if "inputResponses" in params:
            return answer(id, {key: params.get(key) for key in ("inputResponses", "requestState")})
        questions = {
            "form": {"method": "elicitation/create", "params": {"message": "Which?"}},
            "where": {"method": "roots/list"},
        }
        send(id=id, result={"resultType": "input_required", "inputRequests": questions, "requestState": "s"})
    elif name == "endless":
        send(id=id, result={"resultType": "input_required", "requestState": "s"})
    elif name in ("harmless", "once"):
        # Ends the first time, and only then.
        mark = started + "." + name
        if not os.path.exists(mark):
            open(mark, "w").close()
            os._exit(5)
        answer(id, "again")
    elif name == "fail":
        send(id=id, error={"code": -32602, "message": "no", "data": [1.50]})


def handle(message):
    method, id = message.get("method"), message.get("id")
    params = message.get("params") or {}
    if method in ("server/discover", "initialize"):
        seen.append({"greeted": method})
    if method == "server/discover":
        if mode in ("dies", "dies late"):
            time.sleep(4.5 if mode == "dies late" else 0)
            os._exit(4)
        if mode == "ignores":
            return
        if mode == "braces":
            return send(id=id, result={})
        if mode in ("modern", "dual"):
            versions = [MODERN] if mode == "modern" else [MODERN, "2025-11-25"]
            return send(id=id, result={"resultType": "complete", "supportedVersions": versions, "capabilities": FULL})
    if method == "initialize":
        if mode == "mute":
            return
        if mode == "modern":
            return send(id=id, error={"code": -32601, "message": "no initialize"})
        seen.append(message["params"])
        send(method="notifications/message", params={"level": "info", "data": "early"})
        version = "2024-11-05" if mode == "old" else message["params"]["protocolVersion"]
        send(id=id, result={"protocolVersion": version, "capabilities": FULL if full else {"tools": {}}, "serverInfo": {"name": "s", "version": "0"}})
    elif method == "tools/list":
        if mode == "pages":
            at = int((message.get("params") or {}).get("cursor", 0))
            # The last page points back to itself.
            return send(id=id, result={"tools": definitions()[at : at + 1], "nextCursor": str(min(at + 1, 2))})
        send(id=id, result={"tools": definitions()})
    elif method == "tools/call":
        call(id, message["params"])
    elif full and method == "prompts/list":
        send(id=id, result={"prompts": [{"name": name} for name in prompts]})
    elif full and method == "resources/list":
        send(id=id, result={"resources": [{"uri": "x:1", "name": "one"}]})
    elif full and method == "resources/templates/list":
        send(id=id, result={"resourceTemplates": [{"uriTemplate": "x:{n}", "name": "any"}]})
    elif full and method in ("prompts/get", "resources/read", "completion/complete", "vendor/ask"):
        send(id=id, result={"method": method, "params": params})
    elif full and method in ("resources/subscribe", "resources/unsubscribe"):
        seen.append({"method": method, "params": params})
        (subscribed.add if method.endswith("/subscribe") else subscribed.discard)(params["uri"])
        send(id=id, result={})
    elif full and method == "subscriptions/listen":
        uris = params["notifications"].get("resourceSubscriptions", [])
        seen.append({"method": method, "params": {"uris": uris}})
        listening[id] = uris
        meta = {"io.modelcontextprotocol/subscriptionId": id}
        send(method="notifications/subscriptions/acknowledged", params={"_meta": meta, "notifications": params["notifications"]})
    elif full and method == "logging/setLevel":
        seen.append({"method": method, "params": params})
        send(id=id, result={})
    elif method is None and id in asked:
        answer(asked.pop(id), {key: message[key] for key in ("result", "error") if key in message})
    elif id is not None:
        send(id=id, error={"code": -32601, "message": "Method not found"})
    else:
        if method == "notifications/cancelled":
            listening.pop(params.get("requestId"), None)
        seen.append({"method": method, "params": message.get("params")})


if mode == "broken":
    print("Traceback (most recent call last):\nModuleNotFoundError: No module named 'missing'", file=sys.stderr)
    print(f"the key is {os.environ['API_KEY']}", file=sys.stderr)
    sys.exit(1)
if mode == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
for line in sys.stdin:
    handle(json.loads(line))
if mode == "stubborn":
    time.sleep(600)
