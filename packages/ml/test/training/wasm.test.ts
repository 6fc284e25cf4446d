import { describe } from "vitest";
import { testBackend } from "./backend-tests.ts";

describe("on WebAssembly", () => testBackend("wasm"));
