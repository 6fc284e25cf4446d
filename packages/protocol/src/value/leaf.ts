// What the host of an encoder or a decoder says about what it keeps outside the bytes: futures, functions, classes.

/** A future or a function, by its place in the host's table of that kind: 0, 1, 2 … */
export interface TableLeaf {
  readonly kind: "future" | "function";
  readonly index: number;
}

/** A function that belongs to a closure whose captured values are being written. */
export interface UnitLeaf {
  readonly kind: "unit";
  /** Its place among the closure's own functions. */
  readonly index: number;
  /** 0, the default, for the innermost closure that is being written; 1 for the one around it, and so on. */
  readonly outer?: number;
}

/** A function with captured values. The second time that it is met in a value it is a reference. */
export interface ClosureLeaf {
  readonly kind: "closure";
  /** Its code's place in the host's table of functions. */
  readonly index: number;
  readonly captured: readonly unknown[];
  /** What the captured variables are called, for refusals. */
  readonly names?: readonly string[];
  /** From this place on, `captured` holds what stands beside the function: refusals call it by its name alone. */
  readonly beside?: number;
  /** Called when the captured values were written, or one of them was refused. */
  end(): void;
}

/** A closure whose captured values were encoded before, as a value of their own: `encodeValue(captured, { leaf })`. */
export interface BoundClosureLeaf {
  readonly kind: "boundClosure";
  readonly index: number;
  readonly encoded: Uint8Array;
}

/** The same, where those bytes are the value of a future: each decoding makes captured values of its own of them. */
export interface DataClosureLeaf {
  readonly kind: "dataClosure";
  readonly index: number;
  /** The future's place in the host's table. */
  readonly future: number;
}

/** An instance of a class that travels with it: its own enumerable properties with string keys do. */
export interface InstanceLeaf {
  readonly kind: "instance";
  /** Written as a value: the host is asked about it in turn. */
  // biome-ignore lint/complexity/noBannedTypes: any class
  readonly type: Function;
  /** Of its properties, those that hold functions which the class makes for each instance: see `MAKERS`. */
  readonly made?: ReadonlySet<string>;
}

export type ValueLeaf = TableLeaf | UnitLeaf | ClosureLeaf | BoundClosureLeaf | DataClosureLeaf | InstanceLeaf;

/**
 * Asked about every function and every instance of a class that the codec does not know; undefined when the value is
 * not the host's. `path` renders where the value is (`args[0].model`).
 */
export type LeafOf = (value: object, path: () => string) => ValueLeaf | undefined;

/** The decoder's side. */
export interface DecodeHost {
  /** Gives what stands at `index` of the host's table of futures or functions. */
  readonly leaf?: (kind: "future" | "function", index: number) => unknown;
  /**
   * Makes the closure of the function at `index`. It calls `bind` once, before it returns, with the functions of this
   * closure, to which captured values may refer; `bind` gives the captured values.
   */
  readonly closure?: (index: number, bind: (units: readonly unknown[]) => readonly unknown[]) => unknown;
  /** Called with each object of a value, the outermost first, when all of the value is there. */
  readonly each?: (object: object) => void;
  /** Gives the function that an instance's class makes for its field; without this, what the class has under `MAKERS` does. */
  readonly made?: (type: unknown, key: string, instance: object) => unknown;
}
