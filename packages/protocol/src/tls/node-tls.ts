// node:tls, loaded when the first connection needs it: importing this package stays quick.

export function nodeTls(): typeof import("node:tls") {
  return process.getBuiltinModule("node:tls");
}
