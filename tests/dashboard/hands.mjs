// The colours are those of the system, or those that were chosen, which stay; and everything is reached by keyboard.
import assert from "node:assert/strict";

import { browse, open } from "./browser.mjs";

await browse({ colorScheme: "dark" }, async (page) => {
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await open(page);
  const dark = await ground();
  await page.getByRole("button", { name: "Light colours" }).click();
  const light = await ground();
  assert.notEqual(light, dark);
  await page.reload();
  assert.equal(await ground(), light);
});

// By keyboard alone: past the head, into a view, and into a form, which holds the focus and gives it back.
await browse({}, async (page) => {
  await open(page);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to content");
  await page.getByRole("link", { name: "Tools" }).focus();
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement.id === "tools-title");
  await page.getByRole("link", { name: "Servers" }).focus();
  await page.keyboard.press("Enter");
  const add = page.getByRole("button", { name: "Add server" });
  await add.focus();
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement.name === "name");
  await page.keyboard.press("Escape");
  assert.ok(await add.evaluate((button) => button === document.activeElement), "the focus is where it was");
});
