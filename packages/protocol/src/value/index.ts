export { callOf, type SharedCall } from "./call.ts";
export { type ClassCodec, hasHooks, registerClass } from "./classes.ts";
export { type DecodeOptions, decodeValue } from "./decode.ts";
export { MAKERS } from "./decode-closure.ts";
export { type EncodedValue, type EncodeOptions, encodeInto, encodeValue } from "./encode.ts";
export { MAX_DEPTH as MAX_VALUE_DEPTH, VALUE_ALIGNMENT } from "./format.ts";
export type {
  BoundClosureLeaf,
  ClosureLeaf,
  DataClosureLeaf,
  DecodeHost,
  InstanceLeaf,
  LeafOf,
  TableLeaf,
  UnitLeaf,
  ValueLeaf,
} from "./leaf.ts";
