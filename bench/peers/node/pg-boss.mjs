// pg-boss. Jobs that have completed stay, for a week.
import { PgBoss } from "pg-boss";
import { main, mark, note } from "./measure.mjs";

const QUEUE = "bench";
const BULK = 5000;

await main({
  identity: ({ fastest }) => ({
    peer: "pg-boss",
    version: "12.35.0",
    settings: fastest
      ? "batches of 1,000, fetched on while they are full, 2 workers, LISTEN, 32 connections"
      : "as it comes: 1 job each 2 s",
    keeps_history: true,
  }),
  unfinished: "select exists (select from pgboss.job where state < 'completed')",
  async setUp({ url, fastest }) {
    const boss = new PgBoss({ connectionString: url, ...(fastest && { max: 32, useListenNotify: true }) });
    boss.on("error", (error) => console.error(error.message));
    await boss.start();
    await boss.createQueue(QUEUE, fastest ? { notify: true } : {});
    const fast = { batchSize: 1000, burstWhenBatchFull: true, localConcurrency: 2, pollingIntervalSeconds: 0.5 };
    return {
      add: () => boss.send(QUEUE, { note }),
      async addMany(count) {
        for (let left = count; left > 0; left -= BULK) {
          await boss.insert(QUEUE, Array.from({ length: Math.min(left, BULK) }, () => ({ data: { note } })));
        }
      },
      work: () => boss.work(QUEUE, fastest ? fast : {}, async (jobs) => jobs.forEach(() => mark())),
    };
  },
});
