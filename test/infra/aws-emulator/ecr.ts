// ECR's control plane: repositories, and the log-in to whatever keeps the images (`Registry`).
import type { Actions } from "./actions.ts";
import { AwsError, found } from "./errors.ts";
import type { Values } from "./protocol.ts";
import { readTags, tagList } from "./tags.ts";
import type { Repository, World } from "./world.ts";

const loginSeconds = 12 * 3_600;

function repositoryOf(world: World, name: string): Repository {
  const message = `The repository with name '${name}' does not exist in the registry with id '${world.account}'`;
  return found(world.repositories.get(name), "RepositoryNotFoundException", message);
}

function byArn(world: World, arn: string): Repository {
  return repositoryOf(world, arn.replace(/^.*:repository\//, ""));
}

function described(world: World, { name, created, mutability, scanOnPush, encryption }: Repository): Values {
  return {
    repositoryArn: world.arn("ecr", `repository/${name}`),
    ...{ registryId: world.account, repositoryName: name, repositoryUri: `${world.registry.host}/${name}` },
    ...{ createdAt: created, imageTagMutability: mutability },
    ...{ imageScanningConfiguration: { scanOnPush }, encryptionConfiguration: { encryptionType: encryption } },
  };
}

export const ecr: Actions = {
  CreateRepository: ({ input }, world) => {
    const name = input.text("repositoryName");
    if (world.repositories.has(name)) {
      const message = `The repository with name '${name}' already exists in the registry with id '${world.account}'`;
      throw new AwsError("RepositoryAlreadyExistsException", message);
    }
    const repository = {
      ...{ name, created: world.now(), lifecyclePolicy: undefined, tags: readTags(input.parts("tags")) },
      mutability: input.maybe("imageTagMutability") ?? "MUTABLE",
      scanOnPush: input.part("imageScanningConfiguration").flag("scanOnPush") ?? false,
      encryption: input.part("encryptionConfiguration").maybe("encryptionType") ?? "AES256",
    };
    world.repositories.set(name, repository);
    return { repository: described(world, repository) };
  },

  DescribeRepositories: ({ input }, world) => {
    const names = input.texts("repositoryNames");
    const all = names.length === 0 ? [...world.repositories.values()] : names.map((name) => repositoryOf(world, name));
    return { repositories: all.map((repository) => described(world, repository)) };
  },

  DeleteRepository: ({ input }, world) => {
    const repository = repositoryOf(world, input.text("repositoryName"));
    world.repositories.delete(repository.name);
    return { repository: described(world, repository) };
  },

  PutLifecyclePolicy: ({ input }, world) => {
    const repository = repositoryOf(world, input.text("repositoryName"));
    repository.lifecyclePolicy = input.text("lifecyclePolicyText");
    return { repositoryName: repository.name, lifecyclePolicyText: repository.lifecyclePolicy };
  },

  GetLifecyclePolicy: ({ input }, world) => {
    const { name, lifecyclePolicy } = repositoryOf(world, input.text("repositoryName"));
    const text = found(lifecyclePolicy, "LifecyclePolicyNotFoundException", `No lifecycle policy of ${name}`);
    return { registryId: world.account, repositoryName: name, lifecyclePolicyText: text };
  },

  DeleteLifecyclePolicy: ({ input }, world) => {
    const repository = repositoryOf(world, input.text("repositoryName"));
    repository.lifecyclePolicy = undefined;
    return { repositoryName: repository.name };
  },

  ListTagsForResource: ({ input }, world) => ({ tags: tagList(byArn(world, input.text("resourceArn")).tags) }),

  TagResource: ({ input }, world) => {
    const { tags } = byArn(world, input.text("resourceArn"));
    for (const [key, value] of readTags(input.parts("tags"))) tags.set(key, value);
    return {};
  },

  UntagResource: ({ input }, world) => {
    const { tags } = byArn(world, input.text("resourceArn"));
    for (const key of input.texts("tagKeys")) tags.delete(key);
    return {};
  },

  GetAuthorizationToken: (_, world) => ({
    authorizationData: [
      {
        authorizationToken: Buffer.from(`AWS:${world.registry.password}`).toString("base64"),
        expiresAt: new Date(world.now().getTime() + loginSeconds * 1_000),
        proxyEndpoint: `https://${world.registry.host}`,
      },
    ],
  }),
};
