// Where `auth` is set, nothing is shown before somebody signs in, and then what the role may know of.
import assert from "node:assert/strict";

import { browse, card, given, open, url } from "./browser.mjs";

const signIn = async (page, token) => {
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
};

await browse({}, async (page) => {
  await page.goto(url);
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  assert.equal(await page.getByRole("navigation").count(), 0);
  assert.doesNotMatch(await page.locator("body").innerText(), /fake|other/);
  await signIn(page, "wrong");
  await page.getByRole("alert").filter({ hasText: "not one of the gateway's" }).waitFor();

  // A role that sees little, and may change nothing.
  await signIn(page, given.guest);
  await card(page, "other").waitFor();
  assert.equal(await card(page, "fake").count(), 0);
  assert.deepEqual(await card(page, "other").getByRole("button").allTextContents(), ["Tools other"]);
  assert.equal(await page.getByRole("button", { name: /^Add/ }).count(), 0);
  assert.equal(await page.getByRole("link", { name: "Activity" }).count(), 0);
  await page.getByRole("link", { name: "Tools" }).click();
  await page.locator("[data-tool]").first().waitFor();
  const names = await page.locator("[data-tool]").evaluateAll((tools) => tools.map((tool) => tool.dataset.tool));
  assert.ok(names.length > 0 && names.every((name) => /other/.test(name)), String(names));
  assert.ok(await page.getByLabel("As role").isHidden());
  await page.getByRole("link", { name: "Roles" }).click();
  await page.locator(".cell").first().waitFor();
  assert.doesNotMatch(await page.locator("#roles").innerText(), /admin|fake/);
  await page.goto(`${url}#/activity`);
  await page.locator("#servers-title").waitFor();

  // The token is the tab's, in no address, and gone with the tab.
  assert.equal(await page.evaluate(() => localStorage.length), 0);
  assert.doesNotMatch(page.url(), new RegExp(given.guest));
  await page.reload();
  await card(page, "other").waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  assert.doesNotMatch(await page.locator("body").innerText(), /other/);
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);

  // One that may do everything.
  await signIn(page, given.admin);
  await page.getByText("Live", { exact: true }).waitFor();
  await page.getByRole("link", { name: "Servers" }).click();
  await card(page, "fake").waitFor();
  await card(page, "other").getByRole("button", { name: "Remove other" }).waitFor();
  await page.getByRole("button", { name: "Add server" }).waitFor();
  await open(page, "roles");
  await page.locator("th", { hasText: "guest" }).waitFor();
});
