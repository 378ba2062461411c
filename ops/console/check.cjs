// Run by ops/console/check.
const { chromium } = require("playwright-core");
const axe = require("axe-core").source;
const { CONSOLE, KEY, PICTURES, CHROMIUM, PROFILE } = process.env;

const PAGES = ["", "/jobs", "/jobs?kind=voice_session&state=running", "/queues", "/queues?of=sms", "/errors", "/operations", "/schedules", "/workers", "/webhooks", "/tenants", "/numbers", "/switches", "/switches?of=demo_disabled", "/audit"];
const NAMED = { "/queues?of=sms": "-pause", "/switches?of=demo_disabled": "-turn", "/jobs?kind=voice_session&state=running": "-calls" };
const VIEWS = [
  { name: "light", colorScheme: "light", viewport: { width: 1280, height: 800 } },
  { name: "dark", colorScheme: "dark", viewport: { width: 1280, height: 800 } },
  { name: "phone", colorScheme: "light", viewport: { width: 390, height: 844 } },
];
const ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"];

let faults = 0;
let looked = 0;
const fault = (text) => { faults += 1; console.log("FAULT " + text); };
const must = (holds, text) => { if (!holds) fault(text); };

async function open(view, options = {}) {
  const context = await chromium.launchPersistentContext(PROFILE + "-" + view.name + (options.suffix || ""), {
    executablePath: CHROMIUM, headless: true, args: ARGS, viewport: view.viewport, colorScheme: view.colorScheme,
    bypassCSP: false, ...options,
  });
  const page = context.pages()[0] || await context.newPage();
  page.on("console", (said) => { if (said.type() === "error") fault(page.url() + ": " + said.text()); });
  page.on("pageerror", (error) => fault(page.url() + ": " + error.message));
  page.on("request", (request) => { must(request.url().startsWith(new URL(CONSOLE).origin) || request.url().startsWith("data:"), "asks " + request.url()); });
  return { context, page };
}

async function logIn(page) {
  await page.goto(CONSOLE);
  await page.fill("input[name=key]", KEY);
  await page.click("button[type=submit]");
  await page.waitForURL(CONSOLE);
}

// axe runs in a world of its own, to which the page's policy does not apply.
async function axeOf(page, context) {
  const session = await context.newCDPSession(page);
  const { frameTree } = await session.send("Page.getFrameTree");
  const world = await session.send("Page.createIsolatedWorld", { frameId: frameTree.frame.id, worldName: "axe" });
  const run = async (expression) => session.send("Runtime.evaluate",
    { expression, contextId: world.executionContextId, awaitPromise: true, returnByValue: true });
  await run(axe + "; true");
  const { result } = await run("axe.run(document).then((it) => JSON.stringify(it.violations.map((v) => " +
    "({ id: v.id, impact: v.impact, nodes: v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160)) }))))");
  await session.detach();
  return JSON.parse(result.value);
}

async function look(page, context, view, name) {
  looked += 1;
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth + 1);
  must(!wide, `${view.name} ${name}: is wider than the window`);
  for (const found of await axeOf(page, context)) {
    const line = `${view.name} ${name}: axe ${found.impact} ${found.id} ${found.nodes.join(" | ")}`;
    if (["serious", "critical"].includes(found.impact)) fault(line); else console.log("note  " + line);
  }
  if (PICTURES) {
    const file = `${PICTURES}/console-${name.replace(/[^a-z]+/g, "-").replace(/^-|-$/g, "") || "overview"}-${view.name}.png`;
    await page.screenshot({ path: file });
  }
}

async function pages(view) {
  const { context, page } = await open(view);
  await page.goto(CONSOLE + "/login");
  await look(page, context, view, "login");
  await logIn(page);
  const at = async (path, name) => {
    const answer = await page.goto(path.startsWith("http") ? path : CONSOLE + path);
    must(answer.status() === 200, `${path}: ${answer.status()}`);
    await look(page, context, view, name);
  };
  for (const path of PAGES) await at(path, path.split("?")[0].slice(1) + (NAMED[path] || ""));
  const first = async (query) => {
    await page.goto(CONSOLE + "/jobs?" + query);
    return page.locator("#live a.id").first().getAttribute("href");
  };
  const origin = new URL(CONSOLE).origin;
  await at(origin + await first("kind=demo_signup"), "job");
  await at(origin + await first("state=scheduled"), "job-scheduled");
  await page.goto(CONSOLE + "/operations");
  await at(origin + await page.locator("#live a.id").first().getAttribute("href"), "operation");
  await page.goto(CONSOLE + "/errors");
  const retry = page.locator("#live a", { hasText: "retry all" }).first();
  if (await retry.count()) await at(origin + (await retry.getAttribute("href")).split("#")[0], "errors-retry");
  else fault("no group of errors to retry");
  await page.goto(CONSOLE + "/schedules");
  await at(origin + (await page.locator("#live a", { hasText: "actions" }).first().getAttribute("href")).split("#")[0], "schedules-backfill");
  await page.goto(CONSOLE + "/webhooks");
  await at(origin + await page.locator("#live a.id").first().getAttribute("href"), "webhook");
  await context.close();
}

async function scripts() {
  const { context, page } = await open(VIEWS[0], { suffix: "-keys" });
  await logIn(page);
  await page.goto(CONSOLE + "/jobs?kind=noop");
  await page.waitForFunction(() => document.getElementById("liveness").textContent.startsWith("Live, as of"));
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  must(await page.locator("tr.here").count() === 1, "j marks a row");
  await page.keyboard.press("o");
  await page.waitForURL(/\/jobs\/[0-9a-f-]{36}$/);
  await page.keyboard.press("g");
  await page.keyboard.press("q");
  await page.waitForURL(/\/queues$/);
  await page.keyboard.press("g");
  await page.keyboard.press("j");
  await page.waitForURL(/\/jobs$/);
  await page.keyboard.press("/");
  must(await page.evaluate(() => document.activeElement.name) === "kind", "/ goes to the filter");
  await page.selectOption("select[name=state]", "scheduled");
  await page.waitForURL(/state=scheduled/);
  // A change elsewhere comes by itself.
  await page.goto(CONSOLE + "/jobs?kind=noop");
  await page.waitForFunction(() => document.getElementById("liveness").textContent.startsWith("Live, as of"));
  const before = await page.locator("tr[data-row]").count();
  await fetch(new URL(CONSOLE).origin + "/v1/admin/jobs", { method: "POST", body: '{"kind":"noop"}',
    headers: { authorization: "Bearer " + KEY, "content-type": "application/json" } });
  await page.waitForFunction((n) => document.querySelectorAll("tr[data-row]").length > n, before, { timeout: 10000 });
  await context.close();
}

async function withoutScripts() {
  const { context, page } = await open(VIEWS[0], { suffix: "-plain", javaScriptEnabled: false });
  await logIn(page);
  await page.goto(CONSOLE + "/jobs?state=scheduled&kind=sleep");
  await page.locator("#live a.id").first().click();
  await page.locator("summary", { hasText: "Cancel" }).click();
  const form = page.locator('form[action$="job.cancel"]');
  await form.locator("input[name=reason]").fill("a round without scripts");
  await form.locator("button").click();
  await page.waitForURL(/done=job.cancel/);
  must((await page.textContent("main")).includes("a round without scripts"), "the order is recorded");
  // An order about many: previewed, started with its number, and what came of it.
  await page.goto(CONSOLE + "/jobs?state=scheduled&kind=sleep");
  await page.locator("a", { hasText: "all of them" }).click();
  const make = page.locator('form[action$="operation.make"]');
  await make.locator("select[name=deed]").selectOption("cancel");
  await make.locator("input[name=reason]").fill("a round without scripts");
  await make.locator("button").click();
  await page.waitForURL(/operations\/[0-9a-f-]{36}/);
  let start = page.locator('form[action$="operation.start"]');
  for (let n = 0; n < 50 && !(await start.count()); n += 1) {
    await page.waitForTimeout(200);
    await page.reload();
  }
  await page.locator("summary", { hasText: "Start" }).click();
  await start.locator("input[name=expect]").fill(await start.locator("strong").textContent());
  await start.locator("input[name=reason]").fill("a round without scripts");
  await start.locator("button").click();
  await page.waitForURL(/done=operation.start/);
  for (let n = 0; n < 100 && !(await page.locator(".o-done").count()); n += 1) {
    await page.waitForTimeout(200);
    await page.reload();
  }
  must(await page.locator(".o-done").count() === 1, "the order about many is done");
  await page.locator(".out button").click();
  await page.waitForURL(/\/login$/);
  await page.goto(CONSOLE + "/jobs");
  must(page.url().includes("/login?next="), "logged out");
  await context.close();
}

(async () => {
  for (const view of VIEWS) await pages(view);
  await scripts();
  await withoutScripts();
  console.log(`${looked} pages looked at, ${faults} faults`);
  process.exit(faults ? 1 : 0);
})().catch((error) => { console.log("FAULT " + error.stack); process.exit(1); });
