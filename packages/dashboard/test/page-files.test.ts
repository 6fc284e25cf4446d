import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Stage, TOKEN } from "./dashboard-stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.start();
});
afterAll(() => stage.close());

test("all of the page's addresses are one document, which the browser asks for again", async () => {
  for (const path of [
    "/status",
    "/status/workers",
    "/status/workers/w%2F1",
    "/status/searches/7",
    "/status/what/ever",
  ]) {
    const { status, headers, body } = await stage.get(path);
    expect([path, status, headers["cache-control"], headers["content-type"]]).toEqual([
      ...[path, 200, "no-cache", "text/html; charset=utf-8"],
    ]);
    expect(body).toContain("<title>page");
  }
  expect((await stage.get("/")).headers.location).toBe("/status");
});

test("files with a hash in their name are kept for ever", async () => {
  const { headers } = await stage.get("/status/assets/app-1234.js");
  expect(headers["cache-control"]).toBe("public, max-age=31536000, immutable");
  expect(headers["content-type"]).toBe("text/javascript; charset=utf-8");
});

test("what the browser has is not sent again", async () => {
  const tag = (await stage.get("/status")).headers.etag ?? "";
  expect(tag).toMatch(/^"[\w-]{27}"$/);
  const again = await stage.get("/status", TOKEN, { "if-none-match": tag });
  expect([again.status, again.body]).toEqual([304, ""]);
});

test("files travel compressed, to who understands it", async () => {
  const read = async (accepted: string): Promise<{ encoding: string | null; body: Buffer }> => {
    const answer = await new Promise<{ encoding: string | null; body: Buffer }>((resolve, reject) => {
      import("node:http").then(({ get }) =>
        get(`${stage.origin}/status/assets/app-1234.js`, { headers: { "accept-encoding": accepted } }, (reply) => {
          const parts: Buffer[] = [];
          reply.on("data", (part) => parts.push(part));
          reply.on("end", () =>
            resolve({ encoding: reply.headers["content-encoding"] ?? null, body: Buffer.concat(parts) }),
          );
        }).on("error", reject),
      );
    });
    return answer;
  };
  const plain = await read("identity");
  expect(plain.encoding).toBeNull();
  const brotli = await read("gzip, deflate, br;q=0.9");
  expect([brotli.encoding, brotliDecompressSync(brotli.body).equals(plain.body)]).toEqual(["br", true]);
  const gzip = await read("gzip");
  expect([gzip.encoding, gunzipSync(gzip.body).equals(plain.body)]).toEqual(["gzip", true]);
  expect(gzip.body.length).toBeLessThan(plain.body.length / 2);
});

test("without a build, the API is there and the page says what is missing", async () => {
  const bare = await Stage.start({ pageFolder: "/nonexistent" });
  const { status, body } = await bare.get("/status");
  expect([status, body]).toEqual([503, expect.stringContaining("npm run build")]);
  expect((await bare.get("/api/v1/me")).status).toBe(200);
  await bare.close();
});

test("the API describes itself, and shows that", async () => {
  const { openapi, paths } = JSON.parse((await stage.get("/api/v1/openapi.json")).body);
  expect(openapi).toBe("3.1.0");
  expect(Object.keys(paths)).toContain("/api/v1/cluster");
  expect((await stage.get("/api/v1/docs")).body).toContain("swagger-ui-bundle.js");
  for (const name of ["swagger-ui-bundle.js", "swagger-ui.css", "show.js"]) {
    expect((await stage.get(`/api/v1/docs/${name}`)).status).toBe(200);
    expect((await stage.get(`/api/v1/docs/${name}`, null)).status).toBe(401);
  }
  expect((await stage.get("/api/v1/docs/package.json")).status).toBe(404);
});
