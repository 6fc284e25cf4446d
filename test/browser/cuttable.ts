// A way to a server that can be cut, as networks are: what is between the browser and the dashboard.

import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

export interface Way {
  /** Where it begins. */
  readonly port: number;
  /** Ends what goes over it; nothing new gets through until `mend`. */
  cut(): Promise<void>;
  mend(): Promise<void>;
  /** What is open stays so, and nothing gets through any more. */
  hold(): void;
  close(): Promise<void>;
}

/** From a free port of this machine to `port` of this machine. */
export async function wayTo(port: number): Promise<Way> {
  const open = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    open.add(socket);
    socket.on("error", () => socket.destroy());
    return socket.on("close", () => open.delete(socket));
  };
  const newServer = (): Server =>
    createServer((from) => {
      const to = keep(connect(port, "127.0.0.1"));
      keep(from).pipe(to).pipe(from);
      from.on("close", () => to.destroy());
      to.on("close", () => from.destroy());
    });
  const listen = (server: Server, at: number): Promise<void> =>
    new Promise((resolve, reject) => server.once("error", reject).listen(at, "127.0.0.1", resolve));
  let server: Server | null = newServer();
  await listen(server, 0);
  const own = (server.address() as AddressInfo).port;
  const cut = async (): Promise<void> => {
    const closing = server;
    server = null;
    if (closing === null) return;
    const closed = new Promise((resolve) => closing.close(resolve));
    for (const socket of open) socket.destroy();
    await closed;
  };
  const mend = async (): Promise<void> => {
    server = newServer();
    await listen(server, own);
  };
  const hold = (): void => {
    for (const socket of open) socket.unpipe().pause();
  };
  return { port: own, cut, mend, hold, close: cut };
}
