// Which channels to a member a worker takes.
import { BulkClient, type WorkerId } from "@taskflock/protocol";
import { expect, test } from "vitest";
import { Groups } from "../src/groups/groups.ts";

test("a member takes a channel from each other place of its group, once asked for by its id and size, and from no other", () => {
  const groups = new Groups(new BulkClient({ key: () => "t".repeat(32) }), {
    address: () => "",
    worker: () => 1 as WorkerId,
  });
  groups.enter("id", 1, 3, () => {});
  const answer = (from: number, member = "id", size = 3): string => {
    const answered = groups.accept({ from, member, size });
    return typeof answered === "string" ? answered : "taken";
  };
  expect([answer(0), answer(2)]).toEqual(["taken", "taken"]);
  expect(answer(0, "other")).toBe("The member is not here.");
  expect(answer(0, "id", 2)).toBe("Its group has 3 members, not 2.");
  for (const from of [1, 3, 2 ** 40]) expect(answer(from)).toBe(`It is no place of a member beside it: ${from}.`);
  groups.leave("id", null);
  expect(answer(0)).toBe("The member is not here.");
});
