// Where pip takes its packages from folders of this machine, builds reach them by HTTP.
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join, normalize, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "./docker-engine.ts";

export interface PythonIndex {
  /** Arguments of the build. */
  readonly buildArgs: readonly string[];
  close(): void;
}

/** The package indexes of this machine's pip; folders among them are served on loopback. */
export async function pythonIndex(): Promise<PythonIndex> {
  const { stdout } = await run("python3", ["-m", "pip", "config", "list"]);
  const named = [...stdout.matchAll(/(?:extra-)?index-url='([^']*)'/g)].flatMap(([, urls = ""]) => urls.split(/\s+/));
  const folders = named.filter((url) => url.startsWith("file:")).map((url) => fileURLToPath(url));
  if (folders.length === 0) return { buildArgs: [], close: () => {} };
  // Indexes name files beside themselves.
  const server = serve(folders.map((folder) => dirname(resolve(folder))));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const [first, ...others] = folders.map((folder) => origin + folder);
  const buildArgs = [`PIP_INDEX_URL=${first}`, `PIP_EXTRA_INDEX_URL=${others.join(" ")}`];
  // The network of the host, whose loopback it is.
  return {
    buildArgs: ["--network", "host", ...buildArgs.flatMap((arg) => ["--build-arg", arg])],
    close: () => server.close(),
  };
}

/** Serves these folders, under their own paths, and nothing else. */
function serve(folders: readonly string[]): Server {
  return createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const path = normalize(decodeURIComponent(pathname));
    if (!folders.some((folder) => path.startsWith(`${folder}/`))) return void response.writeHead(404).end();
    const file = existsSync(path) && statSync(path).isDirectory() ? join(path, "index.html") : path;
    if (!existsSync(file)) return void response.writeHead(404).end();
    if (file.endsWith(".html")) response.setHeader("content-type", "text/html; charset=utf-8");
    createReadStream(file)
      .on("error", () => response.destroy())
      .pipe(response);
  });
}
