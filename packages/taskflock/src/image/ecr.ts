// The repository in Amazon's registry, and the log-in there.
import type { ECRClient, Repository } from "@aws-sdk/client-ecr";
import { FlockError } from "@taskflock/protocol/words";
import { awsError, loadAws } from "../aws/sdk.ts";

type Sdk = typeof import("@aws-sdk/client-ecr");

export interface EcrPlace {
  /** Registry and repository: what images are tagged with. */
  readonly uri: string;
  /** User and password, as `config.json` of Docker holds them. Good for 12 hours. */
  readonly auth: string;
  /** Whether it was made just now. */
  readonly created: boolean;
}

export interface EcrOptions {
  readonly repository: string;
  /** Default: AWS_REGION, or the profile's. */
  readonly region?: string;
  /** Encrypts a new repository, instead of AWS's own key. */
  readonly kmsKey?: string;
}

/** What Terraform's own repository has, too: images that lost their tag to a newer one do not pile up. */
const lifecycle = {
  rules: [
    {
      rulePriority: 1,
      description: "Images that lost their tag to a newer one",
      selection: { tagStatus: "untagged", countType: "imageCountMoreThan", countNumber: 5 },
      action: { type: "expire" },
    },
  ],
};

/** The repository, made where it is missing, and a log-in for it. */
export async function ecrPlace(options: EcrOptions): Promise<EcrPlace> {
  const sdk = await loadAws("@aws-sdk/client-ecr", () => import("@aws-sdk/client-ecr"));
  const { repository, region } = options;
  const client = new sdk.ECRClient(region === undefined ? {} : { region });
  try {
    const found = await step(`look for the repository ${repository}`, () => find(sdk, client, repository));
    const made = found ?? (await step(`make the repository ${repository}`, () => create(sdk, client, options)));
    const auth = await step("log in to ECR", () => logIn(sdk, client));
    return { uri: made.repositoryUri ?? "", auth, created: found === null };
  } finally {
    client.destroy();
  }
}

async function step<T>(what: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw awsError(error, what);
  }
}

async function find(sdk: Sdk, client: ECRClient, name: string): Promise<Repository | null> {
  try {
    const { repositories = [] } = await client.send(new sdk.DescribeRepositoriesCommand({ repositoryNames: [name] }));
    return repositories[0] ?? null;
  } catch (error) {
    if ((error as Error).name === "RepositoryNotFoundException") return null;
    throw error;
  }
}

async function create(sdk: Sdk, client: ECRClient, { repository, kmsKey }: EcrOptions): Promise<Repository> {
  const made = await client.send(
    new sdk.CreateRepositoryCommand({
      repositoryName: repository,
      imageTagMutability: "MUTABLE", // what must not change is named by its digest
      imageScanningConfiguration: { scanOnPush: true },
      encryptionConfiguration: kmsKey === undefined ? { encryptionType: "AES256" } : { encryptionType: "KMS", kmsKey },
    }),
  );
  const policy = { repositoryName: repository, lifecyclePolicyText: JSON.stringify(lifecycle) };
  await client.send(new sdk.PutLifecyclePolicyCommand(policy));
  return made.repository ?? {};
}

async function logIn(sdk: Sdk, client: ECRClient): Promise<string> {
  const { authorizationData = [] } = await client.send(new sdk.GetAuthorizationTokenCommand({}));
  const token = authorizationData[0]?.authorizationToken;
  if (token !== undefined) return token;
  throw new FlockError("FLOCK_AWS_FAILED", "ECR gave no log-in (GetAuthorizationToken was empty). Try again.");
}
