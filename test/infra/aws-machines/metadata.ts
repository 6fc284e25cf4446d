// The instance metadata service, at its real address: whoever asks is known by the address that the question comes from.
// Version 2 alone: without a token of its own, nobody learns anything.
import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Instance, World } from "../aws-emulator/world.ts";

export const metadataAddress = "169.254.169.254";
const maxTokenSeconds = 21_600;

/** "meta-data/local-ipv4" and so on, with what is there. */
function treeOf(world: World, instance: Instance, keyFor: (instance: Instance) => string): Record<string, string> {
  const { id, options, privateIp, spotEnd, rebalance } = instance;
  const role = world.profiles.get(options.profile ?? "")?.role;
  const zone = world.subnets.get(options.subnet)?.zone ?? "";
  const document = {
    instanceId: id,
    region: world.region,
    availabilityZone: zone,
    accountId: world.account,
    privateIp,
  };
  const seconds = (date: Date): string => date.toISOString().replace(/\.\d+Z$/, "Z");
  const meta: Record<string, string | undefined> = {
    "ami-id": options.imageId,
    hostname: `ip-${privateIp.replaceAll(".", "-")}.ec2.internal`,
    "instance-id": id,
    "instance-life-cycle": options.isSpot ? "spot" : "on-demand",
    "instance-type": options.instanceType,
    "local-hostname": `ip-${privateIp.replaceAll(".", "-")}.ec2.internal`,
    "local-ipv4": privateIp,
    "placement/availability-zone": zone,
    "placement/region": world.region,
    "spot/instance-action": spotEnd && JSON.stringify({ action: "terminate", time: seconds(spotEnd) }),
    "events/recommendations/rebalance": rebalance && JSON.stringify({ noticeTime: seconds(rebalance) }),
    ...(role === undefined ? {} : { [`iam/security-credentials/${role}`]: credentials(keyFor(instance)) }),
  };
  const below = Object.entries(meta).flatMap(([path, text]) =>
    text === undefined ? [] : [[`meta-data/${path}`, text]],
  );
  return {
    ...Object.fromEntries(below),
    "user-data": Buffer.from(options.userData, "base64").toString(),
    "dynamic/instance-identity/document": JSON.stringify(document),
  };
}

function credentials(key: string): string {
  const Expiration = new Date(Date.now() + 6 * 3_600_000).toISOString();
  const secret = { SecretAccessKey: "none", Token: "none" };
  return JSON.stringify({ Code: "Success", Type: "AWS-HMAC", AccessKeyId: key, ...secret, Expiration });
}

export class MetadataServer {
  /** "10.0.1.11 GET meta-data/instance-id 200" */
  readonly asked: string[] = [];
  readonly #world: World;
  readonly #server: Server = createServer((request, response) => this.#answer(request, response));
  /** Until when, and whose. */
  readonly #tokens: Map<string, { readonly until: number; readonly instance: Instance }> = new Map();

  private constructor(world: World) {
    this.#world = world;
  }

  static async start(world: World): Promise<MetadataServer> {
    const service = new MetadataServer(world);
    await new Promise<void>((resolve, reject) => {
      service.#server.once("error", reject).listen(80, metadataAddress, resolve);
    });
    return service;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const from = request.socket.remoteAddress ?? "";
    const [status, text] = this.#find(request, from);
    this.asked.push(`${from} ${request.method} ${request.url} ${status}`);
    response.writeHead(status, { "content-type": "text/plain" }).end(text);
  }

  #find({ method, url = "", headers }: IncomingMessage, from: string): [status: number, text: string] {
    const instance = [...this.#world.instances.values()].find(
      ({ privateIp, state }) => privateIp === from && state !== "terminated",
    );
    if (instance === undefined) return [404, ""];
    if (method === "PUT" && url === "/latest/api/token") {
      const seconds = Number(headers["x-aws-ec2-metadata-token-ttl-seconds"]);
      return seconds >= 1 && seconds <= maxTokenSeconds ? [200, this.#newToken(instance, seconds)] : [400, ""];
    }
    const known = this.#tokens.get(String(headers["x-aws-ec2-metadata-token"]));
    if (known === undefined || known.instance !== instance || known.until < Date.now()) return [401, ""];
    // All versions are the same here: /latest/…, /2021-03-23/…
    const tree = treeOf(this.#world, instance, (one) => this.#accessKey(one));
    return lookUp(tree, url.split("/").slice(2).join("/"));
  }

  #newToken(instance: Instance, seconds: number): string {
    const token = randomBytes(24).toString("base64url");
    this.#tokens.set(token, { until: Date.now() + seconds * 1_000, instance });
    return token;
  }

  /** A key by which the emulator knows the machine's role. */
  #accessKey({ id, options }: Instance): string {
    const key = `ASIA${id.slice(-12)}`;
    this.#world.sessions.set(key, this.#world.profiles.get(options.profile ?? "")?.role ?? "none");
    return key;
  }
}

/** A file's text, or what is in a folder. */
function lookUp(tree: Readonly<Record<string, string>>, path: string): [status: number, text: string] {
  const text = tree[path];
  if (text !== undefined) return [200, text];
  const folder = path === "" || path.endsWith("/") ? path : `${path}/`;
  const below = Object.keys(tree).filter((name) => name.startsWith(folder));
  const names = below.map((name) => name.slice(folder.length).replace(/\/.*$/, "/"));
  return names.length === 0 ? [404, ""] : [200, [...new Set(names)].join("\n")];
}
