// What V8 sampled in slots, reduced to the user's code: a tree of calls whose roots are the functions that ran as tasks.

import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

/** As the inspector's protocol has it. */
export interface CpuProfile {
  readonly nodes: readonly CpuNode[];
  readonly samples: readonly number[];
  /** µs between two samples. */
  readonly timeDeltas: readonly number[];
}
interface CpuNode {
  readonly id: number;
  readonly callFrame: {
    readonly functionName: string;
    readonly url: string;
    readonly lineNumber: number;
    readonly columnNumber: number;
  };
  readonly children?: readonly number[];
  readonly positionTicks?: readonly { readonly line: number; readonly ticks: number }[];
}

/** A function as it was called along one path. */
export interface ProfileNode {
  readonly name: string;
  /** The engine's name of the script, "" for the engine's own functions. */
  readonly url: string;
  /** Where the function begins, from 0. */
  readonly line: number;
  readonly column: number;
  /** In itself, µs. */
  selfUs: number;
  /** Samples by line, from 1. */
  readonly lines: Record<number, number>;
  readonly calls: ProfileNode[];
}

export interface ProfileReport {
  readonly functions: readonly ProfileNode[];
  /** µs that threads had nothing to do, collected garbage, and spent on everything that is not the user's. */
  readonly idleUs: number;
  readonly garbageUs: number;
  readonly otherUs: number;
}

/** As the engine names what is in them. */
const OUR_FOLDERS: readonly string[] = [import.meta.url, import.meta.resolve("@taskflock/protocol")].flatMap((url) => {
  const folder = dirname(url);
  return [folder, fileURLToPath(folder)];
});
/** Code that came with a task. */
const SHIPPED = ".taskflock-function.js";
/** What calls the user's functions: a method of the slot's runner. */
const RUNNER = "#callUserFunction";

export class ProfileTree {
  readonly #root: ProfileNode = newNode("", "", 0, 0);
  #idleUs = 0;
  #garbageUs = 0;
  #otherUs = 0;

  add({ nodes, samples, timeDeltas }: CpuProfile): void {
    const selfUs = new Map<number, number>();
    for (const [i, id] of samples.entries()) selfUs.set(id, (selfUs.get(id) ?? 0) + Math.max(0, timeDeltas[i] ?? 0));
    const byId = new Map(nodes.map((node) => [node.id, node]));
    const root = nodes[0];
    if (root !== undefined) this.#walk(root, byId, selfUs, null, false);
  }

  /** What another process sampled. */
  merge({ functions, idleUs, garbageUs, otherUs }: ProfileReport): void {
    for (const node of functions) mergeInto(this.#root, node);
    this.#idleUs += idleUs;
    this.#garbageUs += garbageUs;
    this.#otherUs += otherUs;
  }

  report(): ProfileReport {
    return {
      functions: this.#root.calls,
      idleUs: this.#idleUs,
      garbageUs: this.#garbageUs,
      otherUs: this.#otherUs,
    };
  }

  /** `into`: the user's function that the node was called from, or null outside of all. Not by recursion: a stack can be deep. */
  #walk(
    root: CpuNode,
    byId: ReadonlyMap<number, CpuNode>,
    selfUs: ReadonlyMap<number, number>,
    into: ProfileNode | null,
    byRunner: boolean,
  ): void {
    const stack = [{ node: root, into, byRunner }];
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      const { node } = at;
      const { url, functionName } = node.callFrame;
      const isOurs = url.startsWith("node:") || OUR_FOLDERS.some((folder) => url.startsWith(folder));
      // What goes on after an await is called by nobody.
      const starts = url.endsWith(SHIPPED) || (at.byRunner && !isOurs && url !== "");
      const us = selfUs.get(node.id) ?? 0;
      const here = at.into !== null || starts ? this.#child(at.into ?? this.#root, node) : null;
      if (here !== null) count(here, node, us);
      else this.#countOther(functionName, us);
      const isRunner = isOurs && (functionName === RUNNER || at.byRunner);
      for (const id of node.children ?? []) {
        const child = byId.get(id);
        if (child !== undefined) stack.push({ node: child, into: here, byRunner: isRunner });
      }
    }
  }

  #countOther(name: string, us: number): void {
    if (name === "(idle)") this.#idleUs += us;
    else if (name === "(garbage collector)") this.#garbageUs += us;
    else this.#otherUs += us;
  }

  #child(parent: ProfileNode, { callFrame }: CpuNode): ProfileNode {
    const { functionName: name, url, lineNumber: line, columnNumber: column } = callFrame;
    return childOf(parent, name, url, line, column);
  }
}

/** The same function called along the same path, in whichever thread. */
function childOf(parent: ProfileNode, name: string, url: string, line: number, column: number): ProfileNode {
  const known = parent.calls.find((c) => c.name === name && c.url === url && c.line === line && c.column === column);
  if (known !== undefined) return known;
  const made = newNode(name, url, line, column);
  parent.calls.push(made);
  return made;
}

function mergeInto(root: ProfileNode, from: ProfileNode): void {
  const stack = [{ parent: root, node: from }];
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    const { name, url, line, column, selfUs, lines, calls } = at.node;
    const here = childOf(at.parent, name, url, line, column);
    here.selfUs += selfUs;
    for (const [number, ticks] of Object.entries(lines))
      here.lines[Number(number)] = (here.lines[Number(number)] ?? 0) + ticks;
    for (const node of calls) stack.push({ parent: here, node });
  }
}

function count(node: ProfileNode, { positionTicks }: CpuNode, us: number): void {
  node.selfUs += us;
  for (const { line, ticks } of positionTicks ?? []) node.lines[line] = (node.lines[line] ?? 0) + ticks;
}

function newNode(name: string, url: string, line: number, column: number): ProfileNode {
  return { name, url, line, column, selfUs: 0, lines: {}, calls: [] };
}
