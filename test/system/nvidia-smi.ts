// A program that stands in for nvidia-smi where there is no GPU: it prints what the real one prints, as its documentation shows it.
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";

/** `nvidia-smi -L`, and the rows of the queries that we make; with one row per device. */
export const TWO_H200 = {
  list: [
    "GPU 0: NVIDIA H200 (UUID: GPU-4f3b0ad1-57b5-8a5b-9b4f-0c1a2b3c4d5e)",
    "GPU 1: NVIDIA H200 (UUID: GPU-a1b2c3d4-1111-2222-3333-444455556666)",
  ],
  figures: [
    "GPU-4f3b0ad1-57b5-8a5b-9b4f-0c1a2b3c4d5e, 37, 1024, 143771",
    "GPU-a1b2c3d4-1111-2222-3333-444455556666, 0, 4, 143771",
  ],
  about: ["0, NVIDIA H200, 143771, 142700, 550.54.15", "1, NVIDIA H200, 143771, 143720, 550.54.15"],
} as const;

/** The first is divided, as NVIDIA's guide to MIG shows it. */
export const DIVIDED_A100 = {
  list: [
    "GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-b8ea3855-276c-c9cb-b366-c6fa655957c5)",
    "  MIG 3g.20gb     Device  0: (UUID: MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f)",
    "  MIG 3g.20gb     Device  1: (UUID: MIG-cba663e8-9bed-5b25-b243-5985ef7c9beb)",
    "GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-30a1b6bb-6b5f-3a8e-6c7f-3d2f1a0c9b8d)",
  ],
  figures: [
    "GPU-b8ea3855-276c-c9cb-b366-c6fa655957c5, [N/A], 24, 40960",
    "GPU-30a1b6bb-6b5f-3a8e-6c7f-3d2f1a0c9b8d, 12, 2048, 40960",
  ],
  about: ["0, NVIDIA A100-SXM4-40GB, 40960, 40536, 535.183.01", "1, NVIDIA A100-SXM4-40GB, 40960, 38512, 535.183.01"],
} as const;

/** The table that nvidia-smi prints without arguments: its head names the versions. */
const HEAD = "| NVIDIA-SMI 550.54.15              Driver Version: 550.54.15      CUDA Version: 12.4     |";

export interface Printed {
  readonly list: readonly string[];
  readonly figures: readonly string[];
  readonly about: readonly string[];
}

/** Puts it into the folder; gives a PATH that finds it. */
export function installNvidiaSmi(folder: string, { list, figures, about }: Printed): string {
  const print = (lines: readonly string[]): string => `cat <<'END'\n${lines.join("\n")}\nEND\n`;
  return install(
    folder,
    `case "$1" in
-L)
${print(list)};;
--query-gpu=uuid*)
${print(figures)};;
--query-gpu=index*)
${print(about)};;
"")
${print([HEAD])};;
*)
echo "ERROR: Option $1 is not recognized. Please run 'nvidia-smi -h'."
exit 6
esac`,
  );
}

/** What it says where the driver is not loaded. */
export function installBrokenNvidiaSmi(folder: string): string {
  const said =
    "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running.";
  return install(folder, `echo "${said}"\nexit 9`);
}

/** One that never answers. */
export function installHangingNvidiaSmi(folder: string): string {
  return install(folder, "exec sleep 1000");
}

function install(folder: string, script: string): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, "nvidia-smi");
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return `${folder}${delimiter}${process.env["PATH"]}`;
}
