// The names that every worker has.
import { runInNewContext } from "node:vm";

/** What Node 20 and later put beside the language's own names. `require` and the like are of a module, not global. */
const NODE_GLOBALS = `
  process global Buffer clearImmediate setImmediate URL URLSearchParams DOMException AbortController AbortSignal Event
  EventTarget CustomEvent TextEncoder TextDecoder TransformStream TransformStreamDefaultController WritableStream
  WritableStreamDefaultController WritableStreamDefaultWriter ReadableStream ReadableStreamDefaultReader
  ReadableStreamBYOBReader ReadableStreamBYOBRequest ReadableByteStreamController ReadableStreamDefaultController
  ByteLengthQueuingStrategy CountQueuingStrategy TextEncoderStream TextDecoderStream CompressionStream
  DecompressionStream clearInterval clearTimeout setInterval setTimeout queueMicrotask structuredClone atob btoa
  BroadcastChannel MessageChannel MessagePort MessageEvent Blob File Performance PerformanceEntry PerformanceMark
  PerformanceMeasure PerformanceObserver PerformanceObserverEntryList PerformanceResourceTiming performance fetch
  FormData Headers Request Response crypto Crypto CryptoKey SubtleCrypto console navigator Navigator WebSocket
`;

let names: ReadonlySet<string> | undefined;

/** Asked of a fresh realm, because a program may have added globals of its own to this one. */
export function workerGlobals(): ReadonlySet<string> {
  names ??= new Set<string>([
    ...(runInNewContext("Object.getOwnPropertyNames(globalThis)") as string[]),
    ...NODE_GLOBALS.trim().split(/\s+/),
  ]);
  return names;
}
