// DBOS for Node: workflows from its queue. Everything that has happened stays.
import { DBOS, DBOSClient } from "@dbos-inc/dbos-sdk";
import { byCallers, CALLERS, main, mark, note } from "./measure.mjs";

const QUEUE = "bench";

const noop = DBOS.registerWorkflow(async () => mark(), { name: "noop" });
const five = DBOS.registerWorkflow(
  async () => {
    mark();
    let sum = 0;
    for (const name of ["one", "two", "three", "four", "five"]) {
      sum += await DBOS.runStep(async () => 1, { name });
    }
    return sum;
  },
  { name: "five" },
);

await main({
  identity: ({ fastest }) => ({
    peer: "@dbos-inc/dbos-sdk (Node)",
    version: "5.3.0",
    settings: fastest ? "32 connections, poll 5 ms, no limit of concurrency" : "as it comes",
    keeps_history: true,
  }),
  unfinished:
    "select exists (select from dbos.workflow_status where status in ('ENQUEUED', 'PENDING', 'DELAYED'))",
  async setUp({ url, fastest }) {
    const launch = async (listen) => {
      DBOS.setConfig({
        name: "bench",
        systemDatabaseUrl: url,
        applicationVersion: "1",
        logLevel: "error",
        runAdminServer: false,
        ...(fastest && { systemDatabasePoolSize: 32 }),
        ...(listen || { listenQueues: [] }),
      });
      await DBOS.launch();
      await DBOS.registerQueue(QUEUE, fastest ? { minPollingIntervalMs: 5 } : {});
    };
    // Only a launch makes the tables.
    await launch(false);
    await DBOS.shutdown();
    const client = await DBOSClient.create({ systemDatabaseUrl: url, systemDatabasePoolSize: 16 });
    const enqueue = (workflowName, ...args) =>
      client.enqueue({ workflowName, queueName: QUEUE, appVersion: "1" }, ...args);
    const kind = (name, ...args) => {
      const add = () => enqueue(name, ...args);
      return { add, addMany: (count) => byCallers(add, CALLERS, count), work: () => launch(true) };
    };
    return { ...kind("noop", note), flows: kind("five") };
  },
});
