// At this width, in this colour: nothing is wider than the window, and nothing stands in anybody's way.
import { accessible, browse, fits, given, open } from "./browser.mjs";

const VIEWS = ["servers", "activity", "tools", "roles"];

async function dialogs(page) {
  return [
    ["the form for servers", "servers", () => page.getByRole("button", { name: "Add server" })],
    ["the form for plugins", "servers", () => page.getByRole("button", { name: "Add plugin" })],
    ["permissions", "servers", () => page.getByRole("button", { name: "Permissions guest" })],
    ["a tool", "tools", () => page.getByRole("button", { name: "Open guest__call" })],
    ["a trace", "activity", () => page.locator(".log .name button").first()],
  ];
}

const { colorScheme, width } = given;
await browse({ colorScheme, viewport: { width, height: 800 } }, async (page) => {
  const at = (where) => `${where}, ${colorScheme}, ${width} px`;
  for (const view of VIEWS) {
    await open(page, view);
    await page.locator(`#${view} :is(.card, tbody tr, .tool)`).first().waitFor();
    await fits(page, at(view));
    await accessible(page, at(view));
    if (given.shots) await page.screenshot({ path: `${given.shots}/${view}-${colorScheme}-${width}.png`, fullPage: true });
  }
  for (const [what, view, button] of await dialogs(page)) {
    await open(page, view);
    await button().click();
    await page.getByRole("dialog").waitFor();
    await fits(page, at(what));
    await accessible(page, at(what));
    if (given.shots) await page.screenshot({ path: `${given.shots}/${what.replaceAll(" ", "-")}-${colorScheme}-${width}.png` });
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
  }
});
