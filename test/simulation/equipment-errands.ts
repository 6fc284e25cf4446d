// What modelled clients do with plugins and uploaded files: bring them to all workers, replace them, and take them back.

import { NO_PAYLOAD } from "@taskflock/protocol/words";
import type { ClientProcess } from "./client-process.ts";
import type { Random } from "./random.ts";

const NAMES: readonly string[] = ["a", "b"];
const KINDS = ["plugin", "file"] as const;
const PART_BYTES = 4;

export function equipmentErrand(client: ClientProcess, random: Random): void {
  const name = random.pick(NAMES);
  const kind = random.pick(KINDS);
  const what = random.between(0, 7);
  if (what === 0) client.ask({ q: "unequip", kind, name });
  else if (what === 1) client.ask({ q: "equipment", kind });
  else if (kind === "plugin") register(client, name, random.chance(0.5));
  else upload(client, name, random.between(1, 1_000_000), random.between(1, 3));
}

/** Takes everything back, so that nothing is left anywhere. */
export function unequipAll(client: ClientProcess): void {
  for (const name of NAMES) for (const kind of KINDS) client.ask({ q: "unequip", kind, name });
}

function register(client: ClientProcess, name: string, override: boolean): void {
  client.ask(() => {
    const data = client.payloads.put({ is: "value", value: 0, bytes: PART_BYTES });
    return { q: "equip", kind: "plugin", name, override, draft: 0, functions: [], data, dataBytes: PART_BYTES };
  });
}

/** One part after the other, then the whole. */
function upload(client: ClientProcess, name: string, draft: number, parts: number, part = 0): void {
  if (part === parts) {
    const whole = { draft, functions: [], data: NO_PAYLOAD, dataBytes: 0 };
    client.ask({ q: "equip", kind: "file", name, override: true, ...whole });
    return;
  }
  client.ask(
    () => {
      const data = client.payloads.put({ is: "value", value: part, bytes: PART_BYTES });
      return { q: "filePart", draft, part, data, dataBytes: PART_BYTES };
    },
    ({ error }) => {
      if (error === null) upload(client, name, draft, parts, part + 1);
    },
  );
}
