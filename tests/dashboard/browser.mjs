// Chromium, and what has to hold on every page: no request to anybody else, no script's error, nothing that the policy had
// to stop, and nothing that stands in the way of people who see or move little.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { chromium } from "playwright-core";

const AXE = readFileSync(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const PATIENCE = 30_000;

/** What the test hands over: the gateway's address, and whatever the script is about. */
export const [url, given] = [process.argv[2], JSON.parse(process.argv[3] ?? "{}")];

/**
 * Runs `body` with a new browser that has these options, and then looks at what it has seen. What a test provokes by itself
 * has to be there, and nothing else.
 */
export async function browse(options, body, provoked) {
  // As root there is no sandbox; what is opened here is our own page.
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox"] });
  const seen = { foreign: [], errors: [], stopped: [] };
  try {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: "reduce", ...options });
    context.setDefaultTimeout(PATIENCE);
    context.on("request", (request) => {
      const asked = new URL(request.url());
      if (asked.protocol !== "data:" && asked.origin !== new URL(url).origin) seen.foreign.push(request.url());
    });
    const page = await context.newPage();
    page.on("pageerror", (error) => seen.errors.push(String(error)));
    page.on("console", (message) => {
      // That an answer is a refusal is told by every browser, and is what some of these tests are about.
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) seen.errors.push(message.text());
    });
    page.on("dialog", (dialog) => seen.errors.push(`a script asks: ${dialog.message()}`));
    await page.exposeFunction("stoppedByPolicy", (what) => seen.stopped.push(what));
    await page.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) => {
        globalThis.stoppedByPolicy(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`);
      });
    });
    await body(page);
    if (provoked) {
      assert.match(seen.errors.join("\n"), provoked);
      seen.errors = seen.errors.filter((error) => !provoked.test(error));
    }
    assert.deepEqual(seen, { foreign: [], errors: [], stopped: [] });
  } finally {
    await browser.close();
  }
}

/** Opens a view of the dashboard. */
export async function open(page, view = "servers") {
  await page.goto(`${url}#/${view}`);
  await page.locator(`#${view}-title`).waitFor();
}

/** The card of a server or plugin. */
export const card = (page, name) => page.locator(`.card[data-name="${name}"]`);

/** Nothing that axe knows of stands in anybody's way. */
export async function accessible(page, where) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document));
  const told = violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id}: ${target} ${failureSummary}`));
  assert.deepEqual(told, [], where);
}

/** The page is not wider than the window. */
export async function fits(page, where) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(over, 0, `${where} is wider than the window`);
}
