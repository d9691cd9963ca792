// What servers say of themselves is text, whatever it looks like.
import assert from "node:assert/strict";

import { browse, card, given, open } from "./browser.mjs";

await browse({}, async (page) => {
  await page.addInitScript(() => {
    globalThis.owned = [];
  });
  await open(page);
  await card(page, "hostile").getByText("Connected").waitFor();
  await page.getByText(given.description).waitFor();
  await open(page, "tools");
  const tool = page.locator(".tool").filter({ hasText: given.title });
  await tool.getByText(given.text, { exact: true }).waitFor();
  await tool.getByRole("button").click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("heading", { name: given.title }).waitFor();
  await dialog.getByText("Schema of the arguments").click();
  await dialog.getByText(given.help, { exact: true }).waitFor();
  await dialog.getByLabel(given.argument, { exact: false }).first().fill("x");
  await dialog.getByRole("button", { name: "Call", exact: true }).click();
  await dialog.locator("pre", { hasText: given.answer }).waitFor();
  await page.keyboard.press("Escape");
  for (const view of ["activity", "roles"]) {
    await open(page, view);
    await page.locator(`#${view} tbody tr`).first().waitFor();
  }
  assert.deepEqual(await page.evaluate(() => globalThis.owned), []);
  assert.equal(await page.locator("script:not([src]), img[src=x], iframe, base, #injected").count(), 0);
});

// The policy holds, should a text ever become more: nothing of this runs.
await browse({}, async (page) => {
  await page.addInitScript(() => {
    globalThis.owned = [];
  });
  await open(page);
  const stopped = await page.evaluate(async () => {
    const told = new Promise((resolve) => document.addEventListener("securitypolicyviolation", (event) => {
      event.stopImmediatePropagation();
      resolve(event.violatedDirective);
    }, { capture: true, once: true }));
    const script = document.createElement("script");
    script.textContent = "owned.push('inline')";
    document.head.append(script);
    return told;
  });
  assert.match(stopped, /^script-src/);
  assert.deepEqual(await page.evaluate(() => globalThis.owned), []);
}, /inline script violates/);
