// What the modelled clients want computed: pure values, durations, and misbehaviour, all fixed when the run begins.

import type { TaskOptionsData } from "@taskflock/protocol/words";
import { defaultTaskOptions } from "@taskflock/protocol/words";
import { mix } from "./random.ts";

export interface TaskSpec {
  readonly id: number;
  readonly kind: "call" | "scatter";
  readonly fn: number;
  /** Functions that stand in its arguments. */
  readonly functions: readonly number[];
  /** Submitted under a key that stands for other work. */
  readonly conflicts: boolean;
  readonly inputs: readonly TaskSpec[];
  readonly bytes: number;
  readonly durationUs: number;
  /** How often it throws (or, with `exits`, ends its slot) before it succeeds. */
  readonly fails: number;
  readonly exits: boolean;
  /** How often it takes its worker's process with it. */
  readonly kills: number;
  /** Runs until it is stopped. */
  readonly endless: boolean;
  /** Ends soon after its AbortSignal. */
  readonly heedsAbort: boolean;
  readonly options: TaskOptionsData;
  /** Shared between clients. */
  readonly key: string | null;
  readonly broadcast: boolean;
  /** Data that is a part of arguments: its client keeps it for its tasks, and sends it again when it is lost. */
  readonly kept: boolean;
  /** Such data that it is made from, directly or by way of others. */
  readonly sources: ReadonlySet<TaskSpec>;
  /** What it gives, whoever computes it and however often. */
  readonly value: number;
  readonly history: TaskHistory;
}

/** What happened to it, as a spectator counts. */
export interface TaskHistory {
  begun: number;
  threw: number;
  killed: number;
  /** How often the end of its slot was meant for another. */
  interrupted: number;
  /** Workers that were lost after they had been given it. */
  losses: number;
  /** Workers that were lost after it had been assigned to them. */
  suspected: number;
  cancels: number;
  /** Somebody came back to it, when its result may have been dropped: it may be computed once more. */
  recalled: number;
  /** It is to run to its end, whoever leaves. */
  fired: boolean;
  /** Of kept data: its client let go of it, or is gone. */
  letGo: boolean;
  /** How often the slot of the actor that it made was replaced. */
  actorEnds: number;
}

/** It makes an object that stays at its worker. */
export function makesActor({ options }: TaskSpec): boolean {
  return options.isolation === "actor" || options.isolation === "actor-process";
}

/** It calls the object that its first input made. */
export function isCall({ options }: TaskSpec): boolean {
  return options.isolation === "call";
}

export type SpecTraits = Partial<Omit<TaskSpec, "id" | "value" | "history" | "options" | "sources">> & {
  readonly options?: Partial<TaskOptionsData>;
};

/** All specs of one run, by id. */
export class TaskBook {
  readonly specs: TaskSpec[] = [];
  /** What was ever published, by the number that stands in its bytes. */
  readonly published: (readonly TaskSpec[])[] = [];

  add(traits: SpecTraits): TaskSpec {
    const id = this.specs.length;
    const inputs = traits.inputs ?? [];
    const spec: TaskSpec = {
      kind: "call",
      fn: 1,
      functions: [],
      conflicts: false,
      bytes: 100,
      durationUs: 100,
      fails: 0,
      exits: false,
      kills: 0,
      endless: false,
      heedsAbort: true,
      key: null,
      broadcast: false,
      kept: false,
      ...traits,
      id,
      inputs,
      sources: new Set(inputs.flatMap((i) => [...i.sources, ...(i.kept ? [i] : [])])),
      options: { ...defaultTaskOptions, cancelGraceMs: 3, ...traits.options },
      value: resultOf(
        id,
        inputs.map((i) => i.value),
      ),
      history: {
        begun: 0,
        threw: 0,
        killed: 0,
        interrupted: 0,
        losses: 0,
        suspected: 0,
        cancels: 0,
        actorEnds: 0,
        recalled: 0,
        fired: false,
        letGo: false,
      },
    };
    this.specs.push(spec);
    return spec;
  }

  get(id: number): TaskSpec {
    const spec = this.specs[id];
    if (spec === undefined) throw new Error(`no task ${id} in the book`);
    return spec;
  }
}

/** Whoever waits for it waits for ever, unless somebody stops it. */
export function mayHang(spec: TaskSpec): boolean {
  return spec.endless || spec.inputs.some(mayHang);
}

/** The function that every task computes, of what it was really given. */
export function resultOf(id: number, inputs: readonly number[]): number {
  return mix(id, ...inputs);
}

/** Its result is wanted anew, and may need all that it was made of. */
export function recall(spec: TaskSpec, known: Set<TaskSpec> = new Set()): void {
  if (known.has(spec)) return;
  known.add(spec);
  spec.history.recalled++;
  for (const input of spec.inputs) recall(input, known);
}
