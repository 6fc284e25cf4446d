// What people read when the server refuses.

import { describe, expect, it } from "vitest";
import { errorOf } from "../../web/feed/api-error.ts";

describe("a refusal", () => {
  it("is told in the server's words, with its code and what to do", async () => {
    const said = { code: "FLOCK_NO_NANNY", message: "Worker w1 has no nanny.", advice: "Start it with one." };
    const error = await errorOf(Response.json(said, { status: 409 }));
    expect(error).toMatchObject({ ...said, status: 409 });
  });

  it("without words is told by its status", async () => {
    for (const body of ["<html>", "null", "{}"]) {
      const error = await errorOf(new Response(body, { status: 502 }));
      expect(error).toMatchObject({ message: "The server answered 502.", code: "", advice: "", status: 502 });
    }
  });
});
