// What a process needs that passes values on without looking into them, as a scheduler and a nanny do: links, addresses, tokens, words.
export * from "./address.ts";
export * from "./context.ts";
export * from "./link/attempts.ts";
export * from "./link/authenticator.ts";
export * from "./link/link-server.ts";
export * from "./link/reading-clock.ts";
export * from "./link/relay-words.ts";
export * from "./link/scheduler-link.ts";
export * from "./link/server-link.ts";
export * from "./payload-store.ts";
export * from "./state-folder.ts";
export { askPage, type PageRequest } from "./tls/ask-page.ts";
export { newSecureServer, refusePlain, useTls } from "./tls/secure-port.ts";
export * from "./tls/server-certificate.ts";
export * from "./tls/trust.ts";
export * from "./token.ts";
export { checkQuestion } from "./validation/questions.ts";
export * from "./words/index.ts";
