import type { Server } from "node:net";
import { FlockError } from "../words/index.ts";

/** Listens. Throws FLOCK_PORT_IN_USE, or FLOCK_ADDRESS_INVALID when the host is not one of this machine. */
export function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error & { code?: string }): void => {
      const inUse = cause.code === "EADDRINUSE";
      const message = inUse
        ? `Port ${port} of ${host} is already in use. Stop what uses it, or choose another with --port.`
        : `Nothing can listen at ${host}:${port}: ${cause.message}.`;
      reject(new FlockError(inUse ? "FLOCK_PORT_IN_USE" : "FLOCK_ADDRESS_INVALID", message, { cause }));
    };
    server.once("error", fail);
    server.listen(port, host, () => {
      server.off("error", fail);
      resolve();
    });
  });
}
