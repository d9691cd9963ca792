// A server is added, looked at, called, followed, switched off and removed: by clicking.
import assert from "node:assert/strict";

import { browse, card, given, open } from "./browser.mjs";

await browse({}, async (page) => {
  await open(page);

  // One that the operator does not allow is refused, with the line to add.
  await page.getByRole("button", { name: "Add server" }).click();
  const form = page.getByRole("dialog");
  await form.getByLabel("Name").fill("mine");
  await form.getByLabel("Command", { exact: false }).first().waitFor();
  const [command, ...args] = given.command;
  await form.getByRole("textbox", { name: /^Command/ }).fill("/bin/false");
  await form.getByRole("button", { name: "Add server" }).click();
  const refusal = form.getByRole("alert");
  await refusal.filter({ hasText: "hint: " }).waitFor();
  assert.match(await refusal.innerText(), /allow_commands/);

  // One that is allowed is there, with its tools.
  await form.getByRole("textbox", { name: /^Command/ }).fill(command);
  await form.getByLabel("Arguments").fill(args.join("\n"));
  await form.getByLabel("Description").fill("One of everything");
  await form.getByRole("button", { name: "Add server" }).click();
  await form.waitFor({ state: "detached" });
  const mine = card(page, "mine");
  await mine.getByText("Connected").waitFor();
  assert.match(await mine.innerText(), /One of everything/);
  await mine.getByRole("button", { name: "Tools mine" }).click();

  // A plugin calls one of its tools: as a role that may not, and as one that may.
  await page.getByRole("combobox", { name: "Server, plugin or pipeline" }).selectOption("mine");
  await page.locator('[data-tool="mine__echo"]').waitFor();
  await page.getByRole("combobox", { name: "Server, plugin or pipeline" }).selectOption("guest");
  await page.getByRole("button", { name: "Open guest__call" }).click();
  const trying = page.getByRole("dialog");
  await trying.getByLabel("tool", { exact: false }).first().fill("mine__echo");
  await trying.getByRole("button", { name: "Write JSON" }).click();
  await trying.getByLabel("Arguments as JSON").fill(JSON.stringify({ tool: "mine__echo", arguments: { message: "from the dashboard" } }));
  await trying.getByLabel("As role").selectOption("guest-only");
  await trying.getByRole("button", { name: "Call", exact: true }).click();
  await trying.getByText("Failed").waitFor();
  assert.doesNotMatch(await trying.innerText(), /Echo: from the dashboard/);
  await trying.getByLabel("As role").selectOption("admin");
  await trying.getByRole("button", { name: "Call", exact: true }).click();
  await trying.getByText("Echo: from the dashboard").waitFor();
  await trying.getByText("Done", { exact: true }).waitFor();
  await page.keyboard.press("Escape");

  // It is in the log, which was open all the time, and shows what called what.
  await page.getByRole("link", { name: "Activity" }).click();
  await page.getByText("Live", { exact: true }).waitFor();
  await page.getByRole("combobox", { name: "Show" }).selectOption("ok");
  await page.getByRole("searchbox", { name: "Text" }).fill("guest__call");
  const row = page.getByRole("button", { name: "guest__call: show this call" });
  await row.first().click();
  const trace = page.getByRole("dialog").getByRole("list", { name: "The call, with 1 call within" });
  await trace.waitFor();
  assert.match(await trace.innerText(), /guest__call[^]*mine__echo/);
  await page.keyboard.press("Escape");
  assert.ok(await row.first().evaluate((button) => button === document.activeElement), "the focus is where it was");

  // Paused, it stays as it is; cleared, it is empty.
  await page.getByRole("searchbox", { name: "Text" }).fill("");
  await page.getByRole("button", { name: "Pause" }).click();
  const rows = await page.locator(".log tbody tr").count();
  await page.evaluate(() => fetch("api/tools/mine__echo/call", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ arguments: { message: "unseen" } }) }));
  await page.getByText(/^Paused\. \d+ new entr/).waitFor();
  assert.equal(await page.locator(".log tbody tr").count(), rows);
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByRole("button", { name: "mine__echo: show this call" }).first().waitFor();
  await page.getByRole("button", { name: "Clear" }).click();
  assert.equal(await page.locator(".log tbody tr").count(), 0);

  // Which glob decides.
  await page.getByRole("link", { name: "Roles" }).click();
  const cell = page.getByRole("button", { name: "guest-only may use guest__call: “guest__*” allows it." });
  await cell.hover();
  await page.locator(".verdict", { hasText: "“guest__*” allows it." }).waitFor();
  await cell.focus();
  await page.keyboard.press("ArrowLeft");
  await page.locator(".verdict", { hasText: "admin may use guest__call: the role allows everything." }).waitFor();

  // Off, on, and gone.
  await page.getByRole("link", { name: "Servers" }).click();
  await mine.getByRole("button", { name: "Disable mine" }).click();
  await mine.getByText("Disabled").waitFor();
  await mine.getByRole("button", { name: "Enable mine" }).click();
  await mine.getByRole("button", { name: "Reconnect mine" }).click();
  await mine.getByText("Connected").waitFor();
  await mine.getByRole("button", { name: "Remove mine" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  await mine.getByRole("button", { name: "Remove mine" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove", exact: true }).click();
  await mine.waitFor({ state: "detached" });
  await page.reload();
  await card(page, "guest").waitFor();
  assert.equal(await mine.count(), 0);

  // A plugin shows what it asks for before it is added, and is granted nothing; the lines that would are shown.
  await page.getByRole("button", { name: "Add plugin" }).click();
  const adding = page.getByRole("dialog");
  await adding.getByLabel("Source").fill("./other");
  await adding.getByRole("button", { name: "Look at it" }).click();
  await adding.getByRole("alert").filter({ hasText: "allow_plugins" }).first().waitFor();
  await adding.getByLabel("Source").fill("./asking.wasm");
  await adding.getByRole("button", { name: "Look at it" }).click();
  await adding.getByText("Made for a test").waitFor();
  await adding.getByRole("checkbox", { name: "Web server https://docs.rs" }).check();
  assert.match(await adding.getByLabel("Lines for gateway.yaml").innerText(), /"made":\n *source: "\.\/asking\.wasm"\n *permissions:\n *net: \["https:\/\/docs\.rs"\]/);
  await adding.getByRole("button", { name: "Add plugin" }).click();
  await adding.waitFor({ state: "detached" });
  const made = card(page, "made");
  await made.getByText("Loaded").waitFor();
  await made.getByRole("button", { name: "Permissions made" }).click();
  const wanted = page.getByRole("row", { name: "Web servers" });
  assert.deepEqual(await wanted.getByRole("cell").allTextContents(), ["https://docs.rs", "nothing"]);
  await page.keyboard.press("Escape");
  await made.getByRole("button", { name: "Remove made" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove", exact: true }).click();
  await made.waitFor({ state: "detached" });
});
