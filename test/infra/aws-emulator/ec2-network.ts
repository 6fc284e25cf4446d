// EC2: the default VPC, its subnets, and security groups with their rules.
import type { Actions } from "./actions.ts";
import { AwsError, found } from "./errors.ts";
import type { Input } from "./input.ts";
import type { Values } from "./protocol.ts";
import { passesTagFilters, tagSet, tagsFor } from "./tags.ts";
import type { SecurityGroup, SecurityGroupRule, Subnet, World } from "./world.ts";

function describedSubnet(world: World, { id, zone, cidr, tags }: Subnet): Values {
  return {
    ...{ subnetId: id, vpcId: world.vpc, state: "available", cidrBlock: cidr, availabilityZone: zone },
    ...{ defaultForAz: true, mapPublicIpOnLaunch: true, ownerId: world.account, availableIpAddressCount: 250 },
    ...{ subnetArn: world.arn("ec2", `subnet/${id}`), tagSet: tagSet(tags) },
  };
}

function groupOf(world: World, id: string): SecurityGroup {
  return found(world.securityGroups.get(id), "InvalidGroup.NotFound", `The security group '${id}' does not exist`);
}

function permissions(group: SecurityGroup, isEgress: boolean): Values[] {
  const rules = [...group.rules.values()].filter((rule) => rule.isEgress === isEgress);
  return rules.map(({ protocol, fromPort, toPort, ipv4, ipv6, description, group: other }) => ({
    ipProtocol: protocol,
    ...(protocol === "-1" ? {} : { fromPort, toPort }),
    ipRanges: ipv4 === undefined ? [] : [{ cidrIp: ipv4, description }],
    ipv6Ranges: ipv6 === undefined ? [] : [{ cidrIpv6: ipv6, description }],
    groups: other === undefined ? [] : [{ groupId: other, description }],
  }));
}

function describedGroup(world: World, group: SecurityGroup): Values {
  const { id, name, description, tags } = group;
  return {
    ...{ ownerId: world.account, groupId: id, groupName: name, groupDescription: description, vpcId: world.vpc },
    ...{ ipPermissions: permissions(group, false), ipPermissionsEgress: permissions(group, true) },
    ...{ securityGroupArn: world.arn("ec2", `security-group/${id}`), tagSet: tagSet(tags) },
  };
}

function describedRule(world: World, group: SecurityGroup, rule: SecurityGroupRule): Values {
  const { id, isEgress, protocol, fromPort, toPort, description, ipv4, ipv6, tags } = rule;
  const other = rule.group === undefined ? undefined : { groupId: rule.group, userId: world.account };
  return {
    ...{ securityGroupRuleId: id, groupId: group.id, groupOwnerId: world.account, isEgress, ipProtocol: protocol },
    ...{ fromPort, toPort, cidrIpv4: ipv4, cidrIpv6: ipv6, referencedGroupInfo: other, description },
    ...{ securityGroupRuleArn: world.arn("ec2", `security-group-rule/${id}`), tagSet: tagSet(tags) },
  };
}

function addRules(input: Input, world: World, isEgress: boolean): Values {
  const group = groupOf(world, input.text("GroupId"));
  const tags = tagsFor(input, "security-group-rule");
  const added = input.parts("IpPermissions").flatMap((permission) => {
    const all = {
      isEgress,
      protocol: permission.text("IpProtocol"),
      fromPort: permission.number("FromPort") ?? -1,
      toPort: permission.number("ToPort") ?? -1,
    };
    const rule = (of: Input, part: Partial<SecurityGroupRule>): SecurityGroupRule => ({
      ...{ ...all, ipv4: undefined, ipv6: undefined, group: undefined, id: world.id("sgr"), tags: new Map(tags) },
      ...{ description: of.maybe("Description"), ...part },
    });
    return [
      ...permission.parts("IpRanges").map((of) => rule(of, { ipv4: of.text("CidrIp") })),
      ...permission.parts("Ipv6Ranges").map((of) => rule(of, { ipv6: of.text("CidrIpv6") })),
      ...[...permission.parts("Groups"), ...permission.parts("UserIdGroupPairs")].map((of) =>
        rule(of, { group: groupOf(world, of.text("GroupId")).id }),
      ),
    ];
  });
  for (const rule of added) group.rules.set(rule.id, rule);
  return { return: true, securityGroupRuleSet: added.map((rule) => describedRule(world, group, rule)) };
}

/** By their ids, or by what they allow. */
function removeRules(input: Input, world: World, isEgress: boolean): Values {
  const group = groupOf(world, input.text("GroupId"));
  for (const id of input.texts("SecurityGroupRuleId")) group.rules.delete(id);
  const cidrs = input
    .parts("IpPermissions")
    .flatMap((permission) => [
      ...permission.parts("IpRanges").map((range) => range.maybe("CidrIp")),
      ...permission.parts("Ipv6Ranges").map((range) => range.maybe("CidrIpv6")),
    ]);
  for (const rule of [...group.rules.values()]) {
    const isMeant = cidrs.includes(rule.ipv4 ?? "none") || cidrs.includes(rule.ipv6 ?? "none");
    if (rule.isEgress === isEgress && isMeant) group.rules.delete(rule.id);
  }
  return { return: true };
}

export const ec2Network: Actions = {
  DescribeVpcs: (_, world) => ({
    vpcSet: [
      {
        ...{ vpcId: world.vpc, ownerId: world.account, state: "available", cidrBlock: `${world.network}.0.0/16` },
        ...{ dhcpOptionsId: "dopt-0123456789abcdef0", instanceTenancy: "default", isDefault: true },
      },
    ],
  }),

  DescribeVpcAttribute: ({ input }, world) => {
    const name = input.text("Attribute");
    return { vpcId: world.vpc, [name]: { value: name !== "enableNetworkAddressUsageMetrics" } };
  },

  DescribeRouteTables: (_, world) => ({
    routeTableSet: [{ routeTableId: "rtb-0123456789abcdef0", vpcId: world.vpc, associationSet: [] }],
  }),

  DescribeSubnets: ({ input }, world) => {
    const ids = [...input.texts("SubnetId"), ...(input.filters().get("subnet-id") ?? [])];
    for (const id of ids) {
      found(world.subnets.get(id), "InvalidSubnetID.NotFound", `The subnet ID '${id}' does not exist`);
    }
    const all = [...world.subnets.values()].filter(({ id }) => ids.length === 0 || ids.includes(id));
    return { subnetSet: all.map((subnet) => describedSubnet(world, subnet)) };
  },

  CreateSecurityGroup: ({ input }, world) => {
    const id = world.id("sg");
    const name = input.text("GroupName");
    if ([...world.securityGroups.values()].some((group) => group.name === name)) {
      throw new AwsError("InvalidGroup.Duplicate", `The security group '${name}' already exists`);
    }
    const tags = tagsFor(input, "security-group");
    const group = { id, name, description: input.text("GroupDescription"), rules: new Map(), tags };
    const outward = { id: world.id("sgr"), isEgress: true, protocol: "-1", fromPort: -1, toPort: -1, tags: new Map() };
    group.rules.set(outward.id, { ...outward, ipv4: "0.0.0.0/0" });
    world.securityGroups.set(id, group);
    return { groupId: id, tagSet: tagSet(tags), return: true };
  },

  DescribeSecurityGroups: ({ input }, world) => {
    const filters = input.filters();
    const ids = [...input.texts("GroupId"), ...(filters.get("group-id") ?? [])];
    for (const id of input.texts("GroupId")) groupOf(world, id);
    const names = filters.get("group-name");
    const all = [...world.securityGroups.values()].filter(
      ({ id, name, tags }) =>
        (ids.length === 0 || ids.includes(id)) && (names?.includes(name) ?? true) && passesTagFilters(tags, filters),
    );
    return { securityGroupInfo: all.map((group) => describedGroup(world, group)) };
  },

  DeleteSecurityGroup: ({ input }, world) => {
    const { id } = groupOf(world, input.text("GroupId"));
    const users = [...world.instances.values()].filter(
      ({ state, options }) => state !== "terminated" && options.securityGroups.includes(id),
    );
    if (users.length > 0) throw new AwsError("DependencyViolation", `resource ${id} has a dependent object`);
    world.securityGroups.delete(id);
    return { return: true, groupId: id };
  },

  AuthorizeSecurityGroupIngress: ({ input }, world) => addRules(input, world, false),
  AuthorizeSecurityGroupEgress: ({ input }, world) => addRules(input, world, true),
  RevokeSecurityGroupIngress: ({ input }, world) => removeRules(input, world, false),
  RevokeSecurityGroupEgress: ({ input }, world) => removeRules(input, world, true),

  DescribeSecurityGroupRules: ({ input }, world) => {
    const filters = input.filters();
    const ids = [...input.texts("SecurityGroupRuleId"), ...(filters.get("security-group-rule-id") ?? [])];
    const groups = filters.get("group-id");
    const all = [...world.securityGroups.values()].flatMap((group) =>
      [...group.rules.values()]
        .filter(({ id }) => (ids.length === 0 || ids.includes(id)) && (groups?.includes(group.id) ?? true))
        .map((rule) => describedRule(world, group, rule)),
    );
    if (input.texts("SecurityGroupRuleId").length > all.length) {
      throw new AwsError("InvalidSecurityGroupRuleId.NotFound", "The security group rule does not exist");
    }
    return { securityGroupRuleSet: all };
  },

  DescribeNetworkInterfaces: () => ({ networkInterfaceSet: [] }),
};
