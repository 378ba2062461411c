// What is measured, as the library `peer` does it for programs in Rust: the same clocks, the same lines of JSON.
import pg from "pg";

export const note = "x".repeat(80);
export const CALLERS = 16;

const PATIENCE_MS = 180_000;
const BUDGET_MS = 8_000;
const REST_MS = 3;
const WARM_UP = 3;

let first;
let count = 0;
let wanted = Infinity;
let reached = () => {};

/** A handler's first line. */
export function mark() {
  const now = performance.now();
  first ??= now;
  count += 1;
  if (count === wanted) reached(now);
}

/** The start after so many more. */
function after(more) {
  return new Promise((resolve, reject) => {
    wanted = count + more;
    reached = resolve;
    setTimeout(() => reject(new Error(`only ${count} of ${wanted} have begun`)), PATIENCE_MS).unref();
  });
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function options() {
  const [what, ...words] = process.argv.slice(2);
  const given = {};
  for (let at = 0; at < words.length; at += 2) given[words[at].slice(2)] = words[at + 1];
  const setting = given.setting ?? "default";
  return { what, url: given.url, jobs: Number(given.jobs), setting, fastest: setting === "fastest" };
}

/** So many callers at once, each awaiting its own jobs one by one. */
export async function byCallers(add, callers, jobs) {
  let left = jobs;
  const caller = async () => {
    while (left > 0) {
      left -= 1;
      await add();
    }
  };
  await Promise.all(Array.from({ length: Math.min(callers, jobs) }, caller));
}

const percentile = (sorted, share) => sorted[Math.max(1, Math.ceil((sorted.length * share) / 100)) - 1];

/**
 * The program of a peer. It hands in `identity`, `unfinished` (SQL: is any job not ended yet?) and `setUp(options)`,
 * which gives `add`, `addMany` and `work`, and `flows` with the same three if it has workflows.
 */
export async function main({ identity, unfinished, setUp }) {
  const run = options();
  const peer = await setUp(run);
  const watch = new pg.Client(run.url);
  await watch.connect();
  const ask = async (sql) => Object.values((await watch.query(sql)).rows[0])[0];
  const wal = async () => Number(await ask("select (pg_current_wal_insert_lsn() - '0/0')::float8"));
  const say = (metric, value, unit, jobs) => {
    const line = { ...identity(run), setting: run.setting, metric, value, unit, jobs };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  };

  const backlog = async ({ addMany, work }, rate, walName) => {
    const before = await wal();
    await addMany(run.jobs);
    const added = await wal();
    await watch.query("analyze");
    const from = await wal();
    const last = after(run.jobs);
    await work();
    await last;
    while (await ask(unfinished)) await sleep(2);
    say(rate, run.jobs / ((performance.now() - first) / 1000), "1/s", run.jobs);
    say(walName, (added - before + (await wal()) - from) / run.jobs, "bytes", run.jobs);
  };

  const measures = {
    drain: () => backlog(peer, "drain_per_s", "wal_bytes_per_job"),

    async enqueue() {
      await byCallers(peer.add, CALLERS, CALLERS * WARM_UP);
      for (const [metric, callers] of [["enqueue_per_s_1", 1], ["enqueue_per_s_16", CALLERS]]) {
        const jobs = callers === 1 ? Math.ceil(run.jobs / 5) : run.jobs;
        const began = performance.now();
        await byCallers(peer.add, callers, jobs);
        say(metric, jobs / ((performance.now() - began) / 1000), "1/s", jobs);
      }
    },

    async bulk() {
      await peer.add();
      const began = performance.now();
      await peer.addMany(run.jobs);
      say("bulk_per_s", run.jobs / ((performance.now() - began) / 1000), "1/s", run.jobs);
    },

    async pickup() {
      await peer.work();
      const times = [];
      const began = performance.now();
      for (let round = 0; round < run.jobs + WARM_UP; round += 1) {
        const start = after(1);
        await peer.add();
        const returned = performance.now();
        const at = await start;
        if (round >= WARM_UP) times.push(Math.max(0, at - returned));
        await sleep(REST_MS);
        if (round >= WARM_UP && performance.now() - began > BUDGET_MS) break;
      }
      times.sort((one, two) => one - two);
      say("pickup_p50_ms", percentile(times, 50), "ms", times.length);
      say("pickup_p99_ms", percentile(times, 99), "ms", times.length);
    },

    async steps() {
      await backlog(peer.flows, "workflows_per_s", "wal_bytes_per_workflow");
      const times = [];
      const began = performance.now();
      while (times.length < Math.min(run.jobs, 200) && (times.length === 0 || performance.now() - began < BUDGET_MS)) {
        const begun = performance.now();
        await peer.flows.add();
        while (await ask(unfinished));
        times.push(performance.now() - begun);
      }
      times.sort((one, two) => one - two);
      say("workflow_p50_ms", percentile(times, 50), "ms", times.length);
    },
  };

  try {
    await measures[run.what]();
    process.exit(0);
  } catch (error) {
    console.error(`error: ${error.message}`);
    process.exit(1);
  }
}
