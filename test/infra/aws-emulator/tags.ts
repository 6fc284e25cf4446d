import type { Input } from "./input.ts";
import type { Value } from "./protocol.ts";
import type { Tags } from "./world.ts";

/** Key and Value pairs of one list. */
export function readTags(pairs: readonly Input[]): Tags {
  return new Map(pairs.map((pair) => [pair.text("Key"), pair.maybe("Value") ?? ""]));
}

/** Those of one type of resource, from EC2's TagSpecification lists. */
export function tagsFor(input: Input, type: string): Tags {
  const specified = [...input.parts("TagSpecification"), ...input.parts("TagSpecifications")];
  const pairs = specified.filter((one) => one.maybe("ResourceType") === type);
  return readTags(pairs.flatMap((one) => [...one.parts("Tag"), ...one.parts("Tags")]));
}

export function tagSet(tags: Tags): Value {
  return [...tags].map(([key, value]) => ({ key, value }));
}

/** With capitals, as all but EC2 have them. */
export function tagList(tags: Tags): Value {
  return [...tags].map(([Key, value]) => ({ Key, Value: value }));
}

/** Whether EC2's `tag:NAME` and `tag-key` filters let it pass. */
export function passesTagFilters(tags: Tags, filters: ReadonlyMap<string, readonly string[]>): boolean {
  return [...filters].every(([name, values]) => {
    if (name.startsWith("tag:")) return values.includes(tags.get(name.slice("tag:".length)) ?? "\u0000");
    return name !== "tag-key" || values.some((key) => tags.has(key));
  });
}
