// Which GPUs this machine has, and which of them a worker gives out.
import { FlockError } from "@taskflock/protocol/words";
import { VISIBLE } from "./environment.ts";
import { askNvidiaSmi } from "./nvidia-smi.ts";

export interface Gpu {
  /** As CUDA_VISIBLE_DEVICES names it: its number, or a UUID. */
  readonly device: string;
  /** Such as "NVIDIA H200", or "NVIDIA A100-SXM4-40GB, MIG 3g.20gb" for a part of one. */
  readonly name: string;
  readonly uuid: string;
  /** Of the whole device, as nvidia-smi counts. */
  readonly number: string;
  /** It is a part of a device; figures are told of whole ones. */
  readonly isPart: boolean;
}

export interface FoundGpus {
  readonly gpus: readonly Gpu[];
  /** Why there are none; "" when there are some. Ends no sentence. */
  readonly why: string;
  /** Something is there that should tell, and did not: a person should know. */
  readonly trouble: boolean;
  /** How many there are, given out by this process or not. */
  readonly there: number;
}

/** How many a worker gives out: all that there are, so many, or none. */
export type GpuWish = "auto" | "none" | number;
/** Several processes of one machine share its devices: this one takes each `of`th, from `index` (0, 1, …) on. */
export interface GpuDeal {
  readonly index: number;
  readonly of: number;
}

/** The devices that CUDA would show this process; never rejects. */
export async function findGpus(environment: NodeJS.ProcessEnv = process.env): Promise<FoundGpus> {
  const visible = environment[VISIBLE];
  const answer = await askNvidiaSmi(["-L"]).answer;
  if (!answer.ok) return { gpus: [], why: answer.why, trouble: answer.there, there: 0 };
  const all = readList(answer.text);
  const gpus = visible === undefined ? all : visibleOf(all, visible);
  if (gpus.length > 0) return { gpus, why: "", trouble: false, there: gpus.length };
  if (all.length === 0) return { gpus, why: "nvidia-smi lists no device", trouble: false, there: 0 };
  const why = `${VISIBLE} is "${visible}", which shows none of the ${all.length} that nvidia-smi lists`;
  return { gpus, why, trouble: false, there: 0 };
}

/** Those of the wish that this process is to give out. Throws FLOCK_GPU_UNAVAILABLE. */
export async function gpusToGive(wish: GpuWish, deal: GpuDeal): Promise<FoundGpus> {
  if (wish === "none" || wish === 0) return { gpus: [], why: "none are wanted", trouble: false, there: 0 };
  const found = await findGpus();
  if (wish !== "auto" && found.gpus.length < wish) throw tooFew(wish, found);
  const all = wish === "auto" ? found.gpus : found.gpus.slice(0, wish);
  return { ...found, gpus: all.filter((_, index) => index % deal.of === deal.index) };
}

function tooFew(wanted: number, { gpus, why }: FoundGpus): FlockError {
  const there =
    gpus.length === 0
      ? `none was found: ${why}`
      : `${gpus.length} ${gpus.length === 1 ? "is" : "are"} there (${gpus.map((gpu) => `${gpu.device}: ${gpu.name}`).join("; ")})`;
  return new FlockError(
    "FLOCK_GPU_UNAVAILABLE",
    `The worker is to give out ${wanted} GPU${wanted === 1 ? "" : "s"}, and ${there}. Give it as many as there are, or --gpus auto, which takes what is there.`,
  );
}

/** What `nvidia-smi -L` prints: devices, and below those that are divided their parts, which stand for them. */
function readList(text: string): ListedGpu[] {
  const listed: ListedGpu[] = [];
  for (const line of text.split("\n")) {
    const whole = /^GPU (\d+): (.*) \(UUID: ([^)]+)\)/.exec(line);
    if (whole !== null) {
      const [, number = "", name = "", uuid = ""] = whole;
      listed.push({ device: number, number, name, uuid, isPart: false, parentName: name });
      continue;
    }
    const part = /^\s+MIG (\S+)\s+Device\s+\d+: \(UUID: ([^)]+)\)/.exec(line);
    const last = listed.at(-1);
    if (part === null || last === undefined) continue;
    const [, profile = "", uuid = ""] = part;
    if (!last.isPart) listed.pop();
    const { number, parentName } = last;
    listed.push({ number, device: uuid, name: `${parentName}, MIG ${profile}`, uuid, isPart: true, parentName });
  }
  return listed;
}

interface ListedGpu extends Gpu {
  readonly parentName: string;
}

/** As CUDA reads the variable: numbers, and UUIDs or their beginnings; from the first one that is not there on, nothing counts. */
function visibleOf(all: readonly ListedGpu[], visible: string): Gpu[] {
  const shown: Gpu[] = [];
  for (const entry of visible.split(",").map((text) => text.trim())) {
    if (entry === "") break;
    const meant = all.filter((gpu) => gpu.number === entry || (entry.length > 4 && gpu.uuid.startsWith(entry)));
    if (meant.length === 0) break;
    for (const gpu of meant) if (!shown.includes(gpu)) shown.push(gpu);
  }
  return shown;
}
