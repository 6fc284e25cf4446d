// terraform/examples/spot-gpu on machines that boot: what the module gives instances as user data is run by a real cloud-init, systemd,
// Docker and AWS CLI, in containers that stand for instances. AWS itself is the emulator.
import { Client, loadDigits, svc } from "taskflock";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root } from "../tidy/tree.ts";
import { Cloud } from "./aws-machines/cloud.ts";
import { type Outcome, until } from "./docker-engine.ts";
import { makeCertificates } from "./terraform-program.ts";

const example = "examples/spot-gpu";
const image = "taskflock-test:cpu";
const hour = 3_600_000;
const patience = 300_000;

let why: string | null = null;
let cloud: Cloud;

beforeAll(async () => {
  const found = await Cloud.open();
  if (typeof found === "string") {
    why = found;
    console.log(`skipped: ${why}`);
    return;
  }
  cloud = found;
  const build = ["build", "--quiet", "--file", "docker/Dockerfile", "--target", "cpu", "--tag", image, "."];
  await cloud.engine.must(build, { cwd: root });
});

afterAll(() => cloud?.close());

/** Until exactly these instances have workers in the cluster. */
async function workersAre(client: Client, ids: readonly string[]): Promise<void> {
  const instances = async (): Promise<string[]> => (await client.workers()).map(({ name }) => name.slice(0, 19)).sort();
  const wanted = [...ids].sort();
  const journals = () => Promise.all(wanted.map((id) => cloud.hardware.journal(id)));
  await until(
    async () => JSON.stringify(await instances()) === JSON.stringify(wanted),
    async () => `${wanted} and not ${await instances()}:\n${(await journals()).join("\n")}`,
    patience,
  );
}

const slow = async (i: number): Promise<number> => {
  await new Promise((resolve) => setTimeout(resolve, 250));
  return i;
};
const numbers = Array.from({ length: 120 }, (_, i) => i);

describe("the example, booted", () => {
  let scheduler = "";
  let address = "";
  let client: Client;

  afterAll(async () => {
    await client?.close().catch(() => {});
  });

  test("the scheduler waits for its image; once it is pushed, it is there, and speaks TLS", async ({ skip }) => {
    skip(why !== null, why ?? "");
    expect(await cloud.terraform.init(example)).toMatchObject({ code: 0 });
    const caFile = makeCertificates(cloud.terraform, example);
    await cloud.run("apply", "workers_num=0", "workers_max=3");
    ({ instance_id: scheduler, address } =
      await cloud.output<Record<"instance_id" | "address", string>>("scheduler_info"));
    await cloud.push(image, await cloud.output("image"));
    const { value: token = "" } = cloud.aws.world.parameters.get(await cloud.output("token_parameter")) ?? {};
    expect(address).toMatch(/^wss:/);
    const connect = async (): Promise<boolean> => {
      const connected = await Client.connect(address, { token, tls: { caFile } }).catch(() => null);
      if (connected !== null) client = connected;
      return connected !== null;
    };
    await until(connect, () => cloud.hardware.journal(scheduler), patience);
  });

  test("workers join under their instances' names, and a search goes over both", async ({ skip }) => {
    skip(why !== null, why ?? "");
    await cloud.run("apply", "workers_num=2", "workers_max=3");
    await cloud.aws.settled();
    await workersAre(client, cloud.workerInstances());
    const { data, target } = loadDigits();
    const params = { C: [1e-4, 1, 1e4], gamma: [1e-3, 1, 1e3] };
    const search = client.gridSearch({ estimator: svc({ kernel: "rbf" }), params, X: data, y: target, cv: 3 });
    expect((await search.result()).bestParams).toMatchObject({ gamma: 1e-3 });
    expect((await client.workers()).filter(({ finished }) => finished > 0)).toHaveLength(2);
  });

  test("a machine reads its own secrets and no other's, and no secret is in its user data", async ({ skip }) => {
    skip(why !== null, why ?? "");
    const [worker = ""] = cloud.workerInstances();
    const read = (name: string) => {
      const command = `. /etc/taskflock/node.env; aws ssm get-parameter --region "$REGION" --with-decryption --name ${name}`;
      const environment = "export $(systemctl show-environment | grep ^AWS_)";
      return cloud.hardware.run(worker, "sh", "-c", `${environment}; ${command}`);
    };
    expect(await read("/taskflock/taskflock-default/ca.pem")).toMatchObject({ ok: true });
    const refused = await read("/taskflock/taskflock-default/scheduler-key.pem");
    expect(refused).toMatchObject({ ok: false, output: expect.stringContaining("AccessDenied") });
    const { value: token = "none" } = cloud.aws.world.parameters.get(await cloud.output("token_parameter")) ?? {};
    for (const { options } of cloud.aws.world.instances.values()) {
      expect(Buffer.from(options.userData, "base64").toString()).not.toContain(token);
    }
  });

  test("a container of the machine, one hop further, reaches the metadata service, with a token alone", async ({
    skip,
  }) => {
    skip(why !== null, why ?? "");
    const program = `const url = "http://169.254.169.254/latest/";
      const bare = await fetch(url + "meta-data/instance-id");
      const headers = { "x-aws-ec2-metadata-token-ttl-seconds": "60" };
      const token = await (await fetch(url + "api/token", { method: "PUT", headers })).text();
      const known = await fetch(url + "meta-data/instance-id", { headers: { "x-aws-ec2-metadata-token": token } });
      console.log(bare.status, await known.text());`;
    const [worker = ""] = cloud.workerInstances();
    const name = await cloud.output<string>("image");
    const node = ["docker", "run", "--rm", name, "node", "--input-type=module", "--eval", program];
    expect((await cloud.hardware.run(worker, ...node)).stdout).toBe(`401 ${worker}\n`);
  });

  test("a spot notice: the worker is gone in time, nothing is lost, and another takes its place", async ({ skip }) => {
    skip(why !== null, why ?? "");
    const [doomed = "", ...others] = cloud.workerInstances();
    const futures = client.map(slow, numbers);
    await futures[0]?.result();
    cloud.aws.interrupt(doomed);
    const told = async (kind: string): Promise<boolean> =>
      (await client.events()).some((event) => event.kind === kind && event.who.startsWith(doomed));
    await until(
      () => told("workerLeft"),
      () => cloud.hardware.journal(doomed),
      patience,
    );
    // Before AWS ended its instance, and systemd does not start it again.
    expect(cloud.aws.world.instances.get(doomed)).toMatchObject({ state: "running" });
    expect(cloud.aws.world.now() < (cloud.aws.world.instances.get(doomed)?.spotEnd ?? 0)).toBe(true);
    const unit = (property: string): Promise<Outcome> =>
      cloud.hardware.run(doomed, "systemctl", "show", `--property=${property}`, "taskflock.service");
    await until(
      async () => (await unit("ActiveState")).stdout === "ActiveState=inactive\n",
      () => cloud.hardware.journal(doomed),
    );
    expect((await unit("NRestarts")).stdout).toBe("NRestarts=0\n");
    expect(await client.gather(futures)).toEqual(numbers);
    const kinds = (await client.events()).map(({ kind }) => kind);
    expect(kinds).toContain("spotNotice");
    expect(kinds).not.toContain("workerLost");

    cloud.aws.advance(120_000);
    await cloud.aws.settled();
    expect(cloud.aws.world.instances.get(doomed)).toMatchObject({ state: "terminated" });
    expect(cloud.workerInstances()).toEqual([...others, expect.stringMatching(/^i-/)]);
    await workersAre(client, cloud.workerInstances());
  });

  test("fewer workers: one is told to end, and hands over what it holds", async ({ skip }) => {
    skip(why !== null, why ?? "");
    const futures = client.map(slow, numbers);
    await futures[0]?.result();
    await cloud.run("apply", "workers_num=1", "workers_max=3");
    await cloud.aws.settled();
    expect(cloud.workerInstances()).toHaveLength(1);
    await workersAre(client, cloud.workerInstances());
    expect(await client.gather(futures)).toEqual(numbers);
    expect((await client.events()).map(({ kind }) => kind)).not.toContain("workerLost");
  });

  test("when it expires, AWS ends the workers, and the scheduler's machine ends itself", async ({ skip }) => {
    skip(why !== null, why ?? "");
    const shell = (text: string) => cloud.hardware.run(scheduler, "bash", "-c", text);
    expect((await shell("systemctl is-active taskflock-expired.timer")).stdout).toBe("active\n");
    cloud.aws.advance(3 * hour);
    await cloud.aws.settled();
    await workersAre(client, []);
    await client.close();
    // Its own clock is this machine's: it is told that the time is over.
    const now = new Date().toISOString();
    await shell(`sed -i "s/^EXPIRES_AT=.*/EXPIRES_AT='${now}'/" /etc/taskflock/node.env`);
    await shell("systemctl restart --no-block taskflock-expire.service");
    const isOver = async (): Promise<boolean> => cloud.aws.world.instances.get(scheduler)?.state === "terminated";
    await until(isOver, () => cloud.hardware.journal(scheduler, "taskflock-expire.service"));
    expect(cloud.aws.world.instances.get(scheduler)?.reason).toBe("Client.InstanceInitiatedShutdown");
  });

  test("destroy leaves nothing", async ({ skip }) => {
    skip(why !== null, why ?? "");
    await cloud.run("destroy", "workers_num=1", "workers_max=3");
    await cloud.aws.settled();
    expect(cloud.aws.left()).toEqual([]);
    expect(await cloud.hardware.left()).toEqual([]);
  });
});
