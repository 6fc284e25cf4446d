// What `import "taskflock"` loads: a client's parts. All else comes with its first use, or belongs to other processes.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { root } from "../tidy/tree.ts";

/** Prints the URL of every script that the process has loaded, of ES modules and CommonJS alike. */
const listScripts = `
  import { Session } from "node:inspector";
  const session = new Session();
  session.connect();
  const urls = [];
  session.on("Debugger.scriptParsed", ({ params }) => urls.push(params.url));
  session.post("Debugger.enable");
  process.stdout.write(JSON.stringify(urls));
`;

/** What a built file was made of; a file of others as it is. */
function sourcesOf(url: string): string[] {
  if (!/\/packages\/\w+\/dist\//.test(url)) return [url];
  const mapFile = fileURLToPath(`${url}.map`);
  if (!existsSync(mapFile)) return []; // it only hands on what others hold
  const map = JSON.parse(readFileSync(mapFile, "utf8")) as { sources: string[] };
  return map.sources.map((source) => new URL(source, url).href);
}

/** The files that a program loads, those of packages as `name/path/in/package`. */
function filesLoadedBy(program: string): string[] {
  const args = ["--input-type=module", "-e", `${program}\n${listScripts}`];
  const urls = JSON.parse(execFileSync(process.execPath, args, { cwd: root, encoding: "utf8" })) as string[];
  return urls.flatMap(sourcesOf).flatMap((url) => /.*\/(?:node_modules|packages)\/(.*)/.exec(url)?.[1] ?? []);
}

const packagesOf = (files: readonly string[]): string[] => [...new Set(files.map((file) => file.split("/")[0] ?? ""))];

test("the list shows ES modules, and what they load as CommonJS", () => {
  const packages = packagesOf(filesLoadedBy('import "taskflock"; import "fastify";'));
  expect(packages).toEqual(expect.arrayContaining(["taskflock", "fastify", "avvio"]));
});

test("what a first connection and a first function need can be loaded before", () => {
  const files = filesLoadedBy('import { preload } from "@taskflock/client/preload"; await preload(); await preload();');
  expect(packagesOf(files)).toEqual(expect.arrayContaining(["acorn", "eslint-scope"]));
  expect(files).toContain("client/src/session.ts");
});

test('import "taskflock" loads the client and no library; of the worker taskContext; nothing of the command line', () => {
  const files = filesLoadedBy('import "taskflock";');
  expect(packagesOf(files).sort()).toEqual(["client", "cluster", "ml", "protocol", "taskflock", "worker"]);
  expect(files.filter((file) => file.startsWith("worker/"))).toEqual(["worker/src/task-context.ts"]);
  expect(files.filter((file) => /^taskflock\/src\/(cli|roles)/.test(file))).toEqual([]);
  const forConnections = /^(client\/src\/(session|functions)|protocol\/src\/(link|frames|bulk))/;
  expect(files.filter((file) => forConnections.test(file))).toEqual([]);
});
