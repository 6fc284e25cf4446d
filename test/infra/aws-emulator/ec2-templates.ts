// EC2: launch templates. What was asked for is kept as it came, and said back in the names of answers.
import type { Actions } from "./actions.ts";
import { AwsError, found } from "./errors.ts";
import { Input } from "./input.ts";
import { Named, type Value, type Values } from "./protocol.ts";
import { tagSet, tagsFor } from "./tags.ts";
import type { LaunchTemplate, World } from "./world.ts";

/** Lists have other names in answers than in requests. */
const listNames: Record<string, string> = {
  BlockDeviceMapping: "blockDeviceMappingSet",
  NetworkInterface: "networkInterfaceSet",
  TagSpecification: "tagSpecificationSet",
  Tag: "tagSet",
};

function smallFirst(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}

/** A request's fields as an answer has them. */
function answered(data: Input, inNetworkInterface = false): Values {
  const entries = Object.keys(data.data).map((name): [string, Value] => {
    const listName = listNames[name];
    if (listName !== undefined)
      return [listName, data.parts(name).map((one) => answered(one, name === "NetworkInterface"))];
    if (name === "SecurityGroupId") {
      const ids = data.texts(name);
      return inNetworkInterface ? ["groupSet", new Named("groupId", ids)] : ["securityGroupIdSet", ids];
    }
    return [smallFirst(name), data.maybe(name) ?? answered(data.part(name))];
  });
  return Object.fromEntries(entries);
}

export function templateOf(world: World, id: string | undefined, name?: string): LaunchTemplate {
  const template =
    id === undefined ? [...world.templates.values()].find((one) => one.name === name) : world.templates.get(id);
  return found(
    template,
    "InvalidLaunchTemplateId.NotFound",
    `The specified launch template, with template ID ${id ?? name}, does not exist.`,
  );
}

/** $Latest, $Default or a number, as one. */
export function versionOf(template: LaunchTemplate, version: string | undefined): number {
  if (version === "$Latest") return template.versions.length;
  if (version === undefined || version === "$Default") return template.defaultVersion;
  const number = Number(version);
  if (number >= 1 && number <= template.versions.length) return number;
  throw new AwsError("InvalidLaunchTemplateId.VersionNotFound", `No version ${version} of ${template.id}.`);
}

export function templateData(template: LaunchTemplate, version: number): Input {
  return template.versions[version - 1]?.data ?? new Input({});
}

function described({ id, name, created, versions, defaultVersion, tags }: LaunchTemplate): Values {
  return {
    ...{ launchTemplateId: id, launchTemplateName: name, createTime: created, createdBy: "ada", tagSet: tagSet(tags) },
    ...{ defaultVersionNumber: defaultVersion, latestVersionNumber: versions.length },
  };
}

function describedVersion(template: LaunchTemplate, number: number): Values {
  const { id, name, created, defaultVersion, versions } = template;
  return {
    ...{ launchTemplateId: id, launchTemplateName: name, versionNumber: number, createTime: created, createdBy: "ada" },
    ...{ versionDescription: versions[number - 1]?.description, defaultVersion: number === defaultVersion },
    launchTemplateData: answered(templateData(template, number)),
  };
}

export const ec2Templates: Actions = {
  CreateLaunchTemplate: ({ input }, world) => {
    const first = { data: input.part("LaunchTemplateData"), description: input.maybe("VersionDescription") };
    const made = { id: world.id("lt"), name: input.text("LaunchTemplateName"), created: world.now() };
    const template = { ...made, versions: [first], defaultVersion: 1, tags: tagsFor(input, "launch-template") };
    world.templates.set(template.id, template);
    return { launchTemplate: described(template) };
  },

  CreateLaunchTemplateVersion: ({ input }, world) => {
    const template = templateOf(world, input.maybe("LaunchTemplateId"), input.maybe("LaunchTemplateName"));
    const description = input.maybe("VersionDescription");
    template.versions.push({ data: input.part("LaunchTemplateData"), description });
    return { launchTemplateVersion: describedVersion(template, template.versions.length) };
  },

  ModifyLaunchTemplate: ({ input }, world) => {
    const template = templateOf(world, input.maybe("LaunchTemplateId"), input.maybe("LaunchTemplateName"));
    template.defaultVersion = versionOf(template, input.text("SetDefaultVersion"));
    return { launchTemplate: described(template) };
  },

  DescribeLaunchTemplates: ({ input }, world) => {
    const ids = input.texts("LaunchTemplateId");
    const all = ids.length === 0 ? [...world.templates.values()] : ids.map((id) => templateOf(world, id));
    return { launchTemplates: all.map(described) };
  },

  DescribeLaunchTemplateVersions: ({ input }, world) => {
    const template = templateOf(world, input.maybe("LaunchTemplateId"), input.maybe("LaunchTemplateName"));
    const asked = input.texts("LaunchTemplateVersion").map((version) => versionOf(template, version));
    const numbers = asked.length === 0 ? template.versions.map((_, i) => i + 1) : asked;
    return { launchTemplateVersionSet: numbers.map((number) => describedVersion(template, number)) };
  },

  DeleteLaunchTemplate: ({ input }, world) => {
    const template = templateOf(world, input.maybe("LaunchTemplateId"), input.maybe("LaunchTemplateName"));
    world.templates.delete(template.id);
    return { launchTemplate: described(template) };
  },
};
