// What lies in docker/, held against what the rest of the repository says.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";

const root = new URL("../../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), "utf8");

interface Panel {
  readonly title: string;
  readonly description: string;
  readonly datasource: { readonly uid: string };
  readonly targets: readonly { readonly expr: string }[];
}

const dashboard: { readonly uid: string; readonly panels: readonly Panel[]; readonly templating: object } = JSON.parse(
  read("docker/grafana/taskflock.json"),
);
const documented = new Set([...read("docs/metrics.md").matchAll(/^\| `(taskflock_\w+)`/gm)].map(([, name]) => name));

test("Grafana's dashboard asks only for metrics that there are, and says what each panel shows", () => {
  expect(documented.size).toBeGreaterThan(30);
  const asked = JSON.stringify([dashboard.panels, dashboard.templating]).match(/taskflock_\w+/g) ?? [];
  expect(new Set(asked).size).toBeGreaterThan(15);
  expect(asked.filter((name) => !documented.has(name))).toEqual([]);
  const { datasources } = parse(read("docker/grafana/datasources.yml")) as { datasources: { uid: string }[] };
  for (const { title, description, datasource } of dashboard.panels) {
    expect(description, title).not.toBe("");
    expect(datasource.uid, title).toBe(datasources[0]?.uid);
  }
});

test("counters are asked for as rates, and only they", () => {
  for (const { expr } of dashboard.panels.flatMap(({ targets }) => targets)) {
    for (const [name] of expr.matchAll(/taskflock_\w+/g)) {
      expect(expr.includes(`rate(${name}`), expr).toBe(name.endsWith("_total"));
    }
  }
});

interface Compose {
  readonly services: Record<string, { readonly volumes?: string[]; readonly ports?: string[]; readonly image: string }>;
}

test("compose.yaml publishes on loopback alone, pins what it does not build, and names files that are there", () => {
  const { services } = parse(read("docker/compose.yaml"), { merge: true }) as Compose;
  expect(Object.keys(services)).toEqual(["setup", "scheduler", "worker", "prometheus", "grafana"]);
  for (const { ports = [], volumes = [], image } of Object.values(services)) {
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
    expect(image).toMatch(/:-(taskflock:latest|[\w/]+:v?\d+\.\d+\.\d+)\}$/);
    const files = volumes.filter((volume) => volume.startsWith("./")).map((volume) => volume.split(":")[0] ?? "");
    for (const file of files) expect(existsSync(new URL(`docker/${file}`, root)), file).toBe(true);
  }
});

test("compose.yaml encrypts all links, and gives keys to the scheduler alone", () => {
  const { services } = parse(read("docker/compose.yaml"), { merge: true }) as Compose;
  expect(read("docker/compose.yaml")).not.toContain("--insecure");
  const mounting = (volume: string): string[] =>
    Object.entries(services).flatMap(([name, { volumes = [] }]) =>
      volumes.filter((text) => text.startsWith(`${volume}:`)).map((text) => `${name} ${text.split(":").slice(2)}`),
    );
  for (const secret of ["certificates", "users"]) expect(mounting(secret)).toEqual(["setup ", "scheduler ro"]);
  expect(mounting("authority")).toEqual(["setup ", "scheduler ro", "worker ro"]);
  expect(mounting("prometheus-token")).toEqual(["setup ", "prometheus ro"]);
  const { scrape_configs: scrapes } = parse(read("docker/prometheus/prometheus.yml"));
  expect(scrapes[0]).toMatchObject({ scheme: "https", tls_config: { ca_file: "/etc/taskflock/ca.pem" } });
});

test("the Dockerfile knows every package, pins what it takes, and runs as nobody's root", () => {
  const dockerfile = read("docker/Dockerfile");
  for (const name of readdirSync(new URL("packages", root))) {
    expect(dockerfile).toContain(`COPY packages/${name}/package.json packages/${name}/\n`);
  }
  for (const [, image] of dockerfile.matchAll(/^ARG \w+_IMAGE=(.*)$/gm)) expect(image).toMatch(/:\d+[\w.-]+$/);
  for (const line of read("docker/notebook/requirements.txt").trim().split("\n"))
    expect(line).toMatch(/^[\w-]+==[\d.]+$/);
  for (const target of ["cpu", "gpu", "notebook"]) {
    const stage = dockerfile
      .split(/^(?=FROM )/m)
      .find((text) => text.startsWith("FROM ") && text.split("\n")[0]?.endsWith(` AS ${target}`));
    expect(stage?.match(/^USER .*$/gm)?.at(-1), target).toBe("USER 1000:1000");
  }
});
