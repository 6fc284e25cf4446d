// ECR's control plane: repositories and log-ins, for a registry that stands elsewhere. Speaks AWS's JSON 1.1.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

const account = "123456789012";

type Fields = Readonly<Record<string, unknown>>;

export interface EcrRepository extends Fields {
  readonly repositoryName: string;
  readonly repositoryUri: string;
}

export interface EcrAnswer {
  readonly status: number;
  readonly body: Fields;
}

export interface EcrOptions {
  /** Where images go: `127.0.0.1:5002`. */
  readonly registry: string;
  /** Of the user AWS there. */
  readonly password: string;
  readonly region?: string;
}

/** What it holds, and what it was asked. Answers anyone: credentials are AWS's business, not ECR's. */
export class EcrControlPlane {
  readonly repositories: Map<string, EcrRepository> = new Map();
  readonly lifecyclePolicies: Map<string, string> = new Map();
  readonly asked: string[] = [];
  readonly #options: EcrOptions;

  constructor(options: EcrOptions) {
    this.#options = options;
  }

  answer(action: string, input: Fields): EcrAnswer {
    this.asked.push(action);
    const name = String(input["repositoryName"]);
    switch (action) {
      case "GetAuthorizationToken":
        return { status: 200, body: { authorizationData: [this.#logIn()] } };
      case "CreateRepository":
        return this.#create(name, input);
      case "DescribeRepositories":
        return this.#describe(input["repositoryNames"] as readonly string[] | undefined);
      case "PutLifecyclePolicy":
        return this.#keep(name, String(input["lifecyclePolicyText"]));
      case "GetLifecyclePolicy":
        return this.#lifecyclePolicy(name);
      case "DeleteLifecyclePolicy":
        this.lifecyclePolicies.delete(name);
        return { status: 200, body: { repositoryName: name } };
      case "DeleteRepository":
        return this.#delete(name);
      case "ListTagsForResource":
        return { status: 200, body: { tags: this.#tagsOf(String(input["resourceArn"])) } };
      default:
        return refusal("UnknownOperationException", `ECR's stub does not know ${action}`);
    }
  }

  #logIn(): Fields {
    const { registry, password } = this.#options;
    const authorizationToken = Buffer.from(`AWS:${password}`).toString("base64");
    return { authorizationToken, expiresAt: Date.now() / 1000 + 43_200, proxyEndpoint: `http://${registry}` };
  }

  #create(repositoryName: string, input: Fields): EcrAnswer {
    if (this.repositories.has(repositoryName)) {
      return refusal("RepositoryAlreadyExistsException", `The repository '${repositoryName}' already exists`);
    }
    const { registry, region = "us-east-1" } = this.#options;
    const repository = {
      repositoryName,
      repositoryUri: `${registry}/${repositoryName}`,
      repositoryArn: `arn:aws:ecr:${region}:${account}:repository/${repositoryName}`,
      registryId: account,
      createdAt: Date.now() / 1000,
      imageTagMutability: input["imageTagMutability"] ?? "MUTABLE",
      imageScanningConfiguration: input["imageScanningConfiguration"] ?? { scanOnPush: false },
      encryptionConfiguration: input["encryptionConfiguration"] ?? { encryptionType: "AES256" },
      tags: input["tags"] ?? [],
    };
    this.repositories.set(repositoryName, repository);
    return { status: 200, body: { repository } };
  }

  #describe(names: readonly string[] = [...this.repositories.keys()]): EcrAnswer {
    const missing = names.find((name) => !this.repositories.has(name));
    if (missing !== undefined) return unknownRepository(missing);
    return { status: 200, body: { repositories: names.map((name) => this.repositories.get(name)) } };
  }

  #keep(repositoryName: string, lifecyclePolicyText: string): EcrAnswer {
    if (!this.repositories.has(repositoryName)) return unknownRepository(repositoryName);
    this.lifecyclePolicies.set(repositoryName, lifecyclePolicyText);
    return { status: 200, body: { repositoryName, lifecyclePolicyText, registryId: account } };
  }

  #lifecyclePolicy(repositoryName: string): EcrAnswer {
    const lifecyclePolicyText = this.lifecyclePolicies.get(repositoryName);
    if (lifecyclePolicyText === undefined) return refusal("LifecyclePolicyNotFoundException", "there is none");
    return { status: 200, body: { repositoryName, lifecyclePolicyText, registryId: account } };
  }

  #delete(name: string): EcrAnswer {
    const repository = this.repositories.get(name);
    if (repository === undefined) return unknownRepository(name);
    this.repositories.delete(name);
    this.lifecyclePolicies.delete(name);
    return { status: 200, body: { repository } };
  }

  #tagsOf(arn: string): unknown {
    return [...this.repositories.values()].find((repository) => repository["repositoryArn"] === arn)?.["tags"] ?? [];
  }
}

function unknownRepository(name: string): EcrAnswer {
  return refusal("RepositoryNotFoundException", `The repository with name '${name}' does not exist`);
}

function refusal(type: string, message: string): EcrAnswer {
  return { status: 400, body: { __type: type, message } };
}

/** The control plane alone, on loopback. */
export async function serveEcr(plane: EcrControlPlane): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server: Server = createServer(async (request, response) => {
    const action = String(request.headers["x-amz-target"]).split(".").at(-1) ?? "";
    const { status, body } = plane.answer(action, JSON.parse((await text(request)) || "{}"));
    response.writeHead(status, { "content-type": "application/x-amz-json-1.1" }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
