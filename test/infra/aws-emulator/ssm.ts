// Parameter Store: AWS's public parameters with AMIs, and those that are put here.
import type { Actions } from "./actions.ts";
import { AwsError, found } from "./errors.ts";
import type { Values } from "./protocol.ts";
import { readTags, tagList } from "./tags.ts";
import type { Parameter, World } from "./world.ts";

/** Any that AWS publishes is an AMI's id here. */
const publicPrefix = "/aws/service/";

function parameterOf(world: World, name: string): Parameter {
  if (name.startsWith(publicPrefix)) {
    const value = name.includes("nvidia") ? "ami-0123456789abcdef0" : "ami-0fedcba9876543210";
    return {
      ...{ name, type: "String", value, version: 1, keyId: undefined, description: undefined, tags: new Map() },
      changed: new Date(0),
    };
  }
  return found(world.parameters.get(name), "ParameterNotFound", `Parameter ${name} not found.`);
}

function described(world: World, parameter: Parameter, decrypt: boolean): Values {
  const { name, type, value, version, changed } = parameter;
  const shown = type === "SecureString" && !decrypt ? Buffer.from(`kms:${version}`).toString("base64") : value;
  const arn = world.arn("ssm", `parameter${name}`);
  return {
    Name: name,
    Type: type,
    Value: shown,
    Version: version,
    LastModifiedDate: changed,
    ARN: arn,
    DataType: "text",
  };
}

export const ssm: Actions = {
  GetParameter: ({ input }, world) => ({
    Parameter: described(world, parameterOf(world, input.text("Name")), input.flag("WithDecryption") === true),
  }),

  GetParameters: ({ input }, world) => {
    const there = (name: string): boolean => name.startsWith(publicPrefix) || world.parameters.has(name);
    const names = input.texts("Names");
    const decrypt = input.flag("WithDecryption") === true;
    return {
      Parameters: names.filter(there).map((name) => described(world, parameterOf(world, name), decrypt)),
      InvalidParameters: names.filter((name) => !there(name)),
    };
  },

  PutParameter: ({ input }, world) => {
    const name = input.text("Name");
    const old = world.parameters.get(name);
    if (old !== undefined && input.flag("Overwrite") !== true) {
      throw new AwsError("ParameterAlreadyExists", `The parameter ${name} already exists.`);
    }
    const parameter = {
      name,
      type: input.maybe("Type") ?? old?.type ?? "String",
      keyId: input.maybe("KeyId") ?? (input.maybe("Type") === "SecureString" ? "alias/aws/ssm" : undefined),
      description: input.maybe("Description"),
      value: input.text("Value"),
      version: (old?.version ?? 0) + 1,
      changed: world.now(),
      tags: old?.tags ?? readTags(input.parts("Tags")),
    };
    world.parameters.set(name, parameter);
    return { Version: parameter.version, Tier: "Standard" };
  },

  DescribeParameters: ({ input }, world) => {
    const filters = input.parts("ParameterFilters").filter((filter) => filter.maybe("Key") === "Name");
    const wanted = filters.length === 0 ? undefined : filters.flatMap((filter) => filter.texts("Values"));
    const all = [...world.parameters.values()].filter(({ name }) => wanted?.includes(name) ?? true);
    return {
      Parameters: all.map(({ name, type, keyId, description, version, changed }) => ({
        ...{ Name: name, Type: type, KeyId: keyId, Description: description, Version: version },
        ...{ LastModifiedDate: changed, ARN: world.arn("ssm", `parameter${name}`), Tier: "Standard", DataType: "text" },
        Policies: [],
      })),
    };
  },

  DeleteParameter: ({ input }, world) => {
    world.parameters.delete(parameterOf(world, input.text("Name")).name);
    return {};
  },

  ListTagsForResource: ({ input }, world) => ({ TagList: tagList(parameterOf(world, input.text("ResourceId")).tags) }),

  AddTagsToResource: ({ input }, world) => {
    const { tags } = parameterOf(world, input.text("ResourceId"));
    for (const [key, value] of readTags(input.parts("Tags"))) tags.set(key, value);
    return {};
  },

  RemoveTagsFromResource: ({ input }, world) => {
    const { tags } = parameterOf(world, input.text("ResourceId"));
    for (const key of input.texts("TagKeys")) tags.delete(key);
    return {};
  },
};
