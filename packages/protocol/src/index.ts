export * from "./address.ts";
export * from "./bulk/bulk-client.ts";
export * from "./bulk/bulk-errors.ts";
export type { BulkSink } from "./bulk/bulk-frames.ts";
export * from "./bulk/bulk-server.ts";
export {
  CHANNEL_PART_BYTES,
  CHANNEL_WINDOW_BYTES,
  type Channel,
  type ChannelEvents,
  type ChannelRequest,
  LEAST_PART_BYTES,
} from "./bulk/channel.ts";
export { type BulkSource, Outgoing } from "./bulk/outgoing.ts";
export { Received } from "./bulk/received.ts";
export * from "./context.ts";
export * from "./frames/frames.ts";
export * from "./function-description.ts";
export * from "./installed-package.ts";
export * from "./link/allowance.ts";
export * from "./link/attempts.ts";
export * from "./link/authenticator.ts";
export * from "./link/farewell.ts";
export * from "./link/link-server.ts";
export { openSocket } from "./link/open-socket.ts";
export * from "./link/reading-clock.ts";
export { openRelay } from "./link/relay-stream.ts";
export * from "./link/relay-words.ts";
export * from "./link/scheduler-link.ts";
export * from "./link/server-link.ts";
export * from "./payload-store.ts";
export { type Preloaded, preload } from "./preload.ts";
export * from "./state-folder.ts";
export { askPage, type PageRequest } from "./tls/ask-page.ts";
export * from "./tls/trust.ts";
export * from "./token.ts";
export type { Field, Fields } from "./validation/fields.ts";
export { isDetailEntry } from "./validation/run-details.ts";
export { handshakeFields, messageFields } from "./validation/tables.ts";
export * from "./value/index.ts";
export * from "./words/index.ts";
