// Where Taskflock's own files lie on this machine, as stacks name them.

let folders: readonly string[] | undefined;

/** URLs of folders, each with a slash at the end. */
export function ownFolders(): readonly string[] {
  folders ??= [new URL("../", import.meta.url).href, new URL("../", protocolUrl()).href];
  return folders;
}

function protocolUrl(): string {
  // A bundler's or a test runner's module has no way to resolve; then the packages lie side by side.
  return typeof import.meta.resolve === "function"
    ? import.meta.resolve("@taskflock/protocol/code")
    : new URL("../../protocol/dist/code.js", import.meta.url).href;
}
