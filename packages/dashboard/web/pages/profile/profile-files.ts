// A profile as other programs read it: Chrome's and Node's .cpuprofile, and speedscope's JSON. Samples are put back one per frame.

import type { Profile, ProfiledCall } from "./flame-model.ts";

interface CpuNode {
  readonly id: number;
  readonly callFrame: {
    readonly functionName: string;
    readonly scriptId: string;
    readonly url: string;
    readonly lineNumber: number;
    readonly columnNumber: number;
  };
  readonly hitCount: number;
  readonly children: number[];
}
export interface CpuProfile {
  readonly nodes: readonly CpuNode[];
  readonly startTime: number;
  readonly endTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Times of all threads stand one behind the other. */
export function toCpuProfile(profile: Profile): CpuProfile {
  const nodes: CpuNode[] = [];
  const samples: number[] = [];
  const timeDeltas: number[] = [];
  const add = (call: Pick<ProfiledCall, "name" | "file" | "line" | "selfMs">): CpuNode => {
    const { name, file, line, selfMs } = call;
    const callFrame = { functionName: name, scriptId: "0", url: file, lineNumber: line - 1, columnNumber: -1 };
    const node: CpuNode = { id: nodes.length + 1, callFrame, hitCount: selfMs > 0 ? 1 : 0, children: [] };
    nodes.push(node);
    if (selfMs > 0) {
      samples.push(node.id);
      timeDeltas.push(Math.round(selfMs * 1000));
    }
    return node;
  };
  const engine = (name: string, selfMs: number) => ({ name, file: "", line: 0, selfMs });
  const root = add(engine("(root)", 0));
  for (const [name, selfMs] of [
    ["(idle)", profile.idleMs],
    ["(garbage collector)", profile.garbageMs],
    ["(program)", profile.otherMs],
  ] as const)
    root.children.push(add(engine(name, selfMs)).id);
  const stack = profile.functions.map((call) => ({ call, parent: root }));
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const node = add(next.call);
    next.parent.children.push(node.id);
    for (const call of next.call.calls) stack.push({ call, parent: node });
  }
  return { nodes, startTime: 0, endTime: timeDeltas.reduce((sum, us) => sum + us, 0), samples, timeDeltas };
}

export interface Speedscope {
  readonly $schema: string;
  readonly name: string;
  readonly shared: {
    readonly frames: readonly { readonly name: string; readonly file?: string; readonly line?: number }[];
  };
  readonly profiles: readonly {
    readonly type: "sampled";
    readonly name: string;
    readonly unit: "milliseconds";
    readonly startValue: number;
    readonly endValue: number;
    readonly samples: readonly (readonly number[])[];
    readonly weights: readonly number[];
  }[];
}

export function toSpeedscope(profile: Profile, name: string): Speedscope {
  const frames: { name: string; file?: string; line?: number }[] = [];
  const known = new Map<string, number>();
  const frameOf = ({ name, file, line }: ProfiledCall): number => {
    const key = `${name}\n${file}\n${line}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    known.set(key, frames.length);
    return frames.push(file === "" ? { name } : { name, file, line }) - 1;
  };
  const samples: number[][] = [];
  const weights: number[] = [];
  const stack = profile.functions.map((call) => ({ call, path: [] as number[] }));
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const path = [...next.path, frameOf(next.call)];
    if (next.call.selfMs > 0) {
      samples.push(path);
      weights.push(next.call.selfMs);
    }
    for (const call of next.call.calls) stack.push({ call, path });
  }
  const endValue = weights.reduce((sum, ms) => sum + ms, 0);
  return {
    $schema: "https://www.speedscope.app/file-format-schema.json",
    name,
    shared: { frames },
    profiles: [{ type: "sampled", name, unit: "milliseconds", startValue: 0, endValue, samples, weights }],
  };
}
