// Graphile Worker for Node. Jobs that have succeeded are deleted.
import { Logger, makeWorkerUtils, run } from "graphile-worker";
import { main, mark, note } from "./measure.mjs";

const BULK = 5000;
const quiet = new Logger(() => () => {});

await main({
  identity: ({ fastest }) => ({
    peer: "graphile-worker (Node)",
    version: "0.18.0",
    settings: fastest
      ? "24 at once, local queue 500, completions batched, 32 connections"
      : "as it comes: 1 at once",
    keeps_history: false,
  }),
  unfinished: "select exists (select from graphile_worker._private_jobs)",
  async setUp({ url, fastest }) {
    const utils = await makeWorkerUtils({ connectionString: url, maxPoolSize: 16, logger: quiet });
    await utils.migrate();
    // Of its own performance tests, but for the machine's two cores.
    const preset = {
      worker: {
        connectionString: url,
        logger: quiet,
        ...(fastest && {
          concurrentJobs: 24,
          maxPoolSize: 32,
          pollInterval: 2000,
          localQueue: { size: 500 },
          completeJobBatchDelay: 0,
          failJobBatchDelay: 0,
        }),
      },
    };
    return {
      add: () => utils.addJob("noop", { note }),
      async addMany(count) {
        for (let left = count; left > 0; left -= BULK) {
          const size = Math.min(left, BULK);
          await utils.addJobs(Array.from({ length: size }, () => ({ identifier: "noop", payload: { note } })));
        }
      },
      work: () => run({ preset, taskList: { noop: () => mark() } }),
    };
  },
});
