// What a plan of Terraform would do, in a few sentences. Pure.

export interface PlannedChange {
  readonly address: string;
  readonly type: string;
  readonly change: { readonly actions: readonly string[] };
}

export interface PlanSummary {
  readonly create: number;
  readonly update: number;
  readonly replace: number;
  readonly destroy: number;
  /** What a person should know before saying yes. */
  readonly sentences: readonly string[];
}

/** Of `terraform show -json`. */
export function summarise(changes: readonly PlannedChange[]): PlanSummary {
  const kinds = { create: 0, update: 0, replace: 0, destroy: 0 };
  const touched = new Map<string, keyof typeof kinds>();
  for (const { address, change } of changes) {
    const kind = kindOf(change.actions);
    if (kind === null) continue;
    kinds[kind]++;
    touched.set(address.replace(/^module\.taskflock\./, ""), kind);
  }
  const isNew = touched.get("aws_autoscaling_group.workers") === "create";
  const sentences: string[] = [];
  if (touched.get("aws_instance.scheduler") === "replace" || touched.get("aws_instance.scheduler") === "destroy")
    sentences.push(
      "THE SCHEDULER IS REPLACED: what the cluster does and holds now is lost, and workers join the new one.",
    );
  const template = touched.get("aws_launch_template.worker");
  if (!isNew && (template === "update" || template === "replace"))
    sentences.push("Workers are replaced one by one: a new one joins, an old one retires, nothing is lost.");
  if (touched.get("aws_autoscaling_group.workers") === "update")
    sentences.push("The group of workers is changed: how many, which types, or what may be paid.");
  return { ...kinds, sentences };
}

export function changesOf({ create, update, replace, destroy }: PlanSummary): number {
  return create + update + replace + destroy;
}

export function countsLine({ create, update, replace, destroy }: PlanSummary): string {
  const parts = [
    [create, "to make"],
    [update, "to change"],
    [replace, "to replace"],
    [destroy, "to remove"],
  ] as const;
  const said = parts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return said.length === 0 ? "nothing to change" : said.join(", ");
}

function kindOf(actions: readonly string[]): "create" | "update" | "replace" | "destroy" | null {
  const [has, removes] = [actions.includes("create"), actions.includes("delete")];
  if (has && removes) return "replace";
  if (has) return "create";
  if (removes) return "destroy";
  return actions.includes("update") ? "update" : null;
}
