// What a nanny's test starts: a worker as a role starts it. argv: address, name.
import { pino } from "pino";
import { joinNanny, startWorker } from "../dist/index.js";

const [address, name] = process.argv.slice(2);
const nanny = await joinNanny();
const worker = await startWorker({
  address,
  name,
  token: nanny.token,
  incarnation: nanny.incarnation,
  slots: 1,
  memoryLimitBytes: 512 * 1024 * 1024,
  logger: pino({ level: "silent" }),
});
process.on("SIGUSR2", () => {
  nanny.last();
  worker.retire("it is the last");
});
process.on("SIGTERM", () => worker.retire("SIGTERM"));
void nanny.gone.then(() => process.exit(1));
const exit = await worker.done;
if (exit.how === "left") await nanny.leaving(exit);
process.exit(exit.how === "left" ? 0 : 1);
