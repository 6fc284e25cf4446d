// Roles of machines, and the one thing that IAM is for: whether a role may do what is asked with its key.
import type { Actions } from "./actions.ts";
import { AwsError, found } from "./errors.ts";
import type { Ask, Values } from "./protocol.ts";
import { readTags, tagList } from "./tags.ts";
import type { InstanceProfile, Role, World } from "./world.ts";

function roleOf(world: World, name: string): Role {
  return found(world.roles.get(name), "NoSuchEntity", `The role with name ${name} cannot be found.`, 404);
}

function profileOf(world: World, name: string): InstanceProfile {
  return found(world.profiles.get(name), "NoSuchEntity", `Instance Profile ${name} cannot be found.`, 404);
}

function describedRole(world: World, { name, id, created, trust, tags }: Role): Values {
  const policy = encodeURIComponent(trust);
  return {
    ...{ Path: "/", RoleName: name, RoleId: id, Arn: world.arn("iam", `role/${name}`), CreateDate: created },
    ...{ AssumeRolePolicyDocument: policy, MaxSessionDuration: 3_600, Tags: tagList(tags) },
  };
}

function describedProfile(world: World, { name, id, created, role, tags }: InstanceProfile): Values {
  const Roles = role === undefined ? [] : [describedRole(world, roleOf(world, role))];
  const Arn = world.arn("iam", `instance-profile/${name}`);
  return {
    Path: "/",
    InstanceProfileName: name,
    InstanceProfileId: id,
    Arn,
    CreateDate: created,
    Roles,
    Tags: tagList(tags),
  };
}

export const iam: Actions = {
  CreateRole: ({ input }, world) => {
    const name = input.text("RoleName");
    if (world.roles.has(name)) throw new AwsError("EntityAlreadyExists", `Role with name ${name} already exists.`, 409);
    const made = { id: world.id("AROA"), created: world.now(), trust: input.text("AssumeRolePolicyDocument") };
    const role = { ...made, name, policies: new Map(), tags: readTags(input.parts("Tags")) };
    world.roles.set(name, role);
    return { Role: describedRole(world, role) };
  },

  GetRole: ({ input }, world) => ({ Role: describedRole(world, roleOf(world, input.text("RoleName"))) }),

  DeleteRole: ({ input }, world) => {
    const { name, policies } = roleOf(world, input.text("RoleName"));
    const isUsed = [...world.profiles.values()].some(({ role }) => role === name);
    if (isUsed || policies.size > 0) {
      throw new AwsError("DeleteConflict", `Cannot delete entity, must detach all from ${name} first.`, 409);
    }
    world.roles.delete(name);
    return {};
  },

  PutRolePolicy: ({ input }, world) => {
    roleOf(world, input.text("RoleName")).policies.set(input.text("PolicyName"), input.text("PolicyDocument"));
    return {};
  },

  GetRolePolicy: ({ input }, world) => {
    const { name, policies } = roleOf(world, input.text("RoleName"));
    const PolicyName = input.text("PolicyName");
    const text = found(policies.get(PolicyName), "NoSuchEntity", `No policy ${PolicyName} of ${name}.`, 404);
    return { RoleName: name, PolicyName, PolicyDocument: encodeURIComponent(text) };
  },

  DeleteRolePolicy: ({ input }, world) => {
    roleOf(world, input.text("RoleName")).policies.delete(input.text("PolicyName"));
    return {};
  },

  ListRolePolicies: ({ input }, world) => ({
    PolicyNames: [...roleOf(world, input.text("RoleName")).policies.keys()],
    IsTruncated: false,
  }),

  ListAttachedRolePolicies: () => ({ AttachedPolicies: [], IsTruncated: false }),

  ListInstanceProfilesForRole: ({ input }, world) => {
    const { name } = roleOf(world, input.text("RoleName"));
    const profiles = [...world.profiles.values()].filter(({ role }) => role === name);
    return { InstanceProfiles: profiles.map((profile) => describedProfile(world, profile)), IsTruncated: false };
  },

  CreateInstanceProfile: ({ input }, world) => {
    const made = { id: world.id("AIPA"), created: world.now(), role: undefined };
    const profile = { ...made, name: input.text("InstanceProfileName"), tags: readTags(input.parts("Tags")) };
    world.profiles.set(profile.name, profile);
    return { InstanceProfile: describedProfile(world, profile) };
  },

  GetInstanceProfile: ({ input }, world) => ({
    InstanceProfile: describedProfile(world, profileOf(world, input.text("InstanceProfileName"))),
  }),

  AddRoleToInstanceProfile: ({ input }, world) => {
    profileOf(world, input.text("InstanceProfileName")).role = roleOf(world, input.text("RoleName")).name;
    return {};
  },

  RemoveRoleFromInstanceProfile: ({ input }, world) => {
    profileOf(world, input.text("InstanceProfileName")).role = undefined;
    return {};
  },

  DeleteInstanceProfile: ({ input }, world) => {
    const { name, role } = profileOf(world, input.text("InstanceProfileName"));
    if (role !== undefined) throw new AwsError("DeleteConflict", `${name} still has a role.`, 409);
    world.profiles.delete(name);
    return {};
  },
};

interface Statement {
  readonly Effect: string;
  readonly Action: readonly string[];
  readonly Resource: string | readonly string[];
}

/** Throws AccessDenied where the asking key is a role's and none of its policies allows it. */
export function checkAllowed({ service, action, accessKey, input }: Ask, world: World): void {
  const role = world.sessions.get(accessKey);
  if (role === undefined || service === "sts") return;
  const what = `${service}:${action}`;
  const on = service === "ssm" ? world.arn("ssm", `parameter${input.maybe("Name") ?? "*"}`) : "*";
  const statements = [...roleOf(world, role).policies.values()].flatMap(
    (text) => (JSON.parse(text) as { readonly Statement: readonly Statement[] }).Statement,
  );
  const allows = ({ Effect, Action, Resource }: Statement): boolean =>
    Effect === "Allow" && Action.includes(what) && [Resource].flat().some((one) => one === "*" || one === on);
  if (statements.some(allows)) return;
  const who = world.arn("sts", `assumed-role/${role}/instance`);
  throw new AwsError("AccessDeniedException", `User: ${who} is not authorized to perform: ${what} on resource: ${on}`);
}
