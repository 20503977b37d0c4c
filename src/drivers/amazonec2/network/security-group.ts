import {
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  type CreateSecurityGroupCommandInput,
  DeleteSecurityGroupCommand,
  type Instance,
  type IpPermission,
  paginateDescribeSecurityGroups,
  type SecurityGroup,
} from '@aws-sdk/client-ec2';
import { waitFor } from '../../../base/wait.ts';
import { type Ec2Api, everyPage } from '../api/api.ts';
import { isNotFound, isRefusedWith } from '../api/failures.ts';
import { type Ec2Context, ENGINE_PORT, ID_TAG, resourceName, tagOf, tagsOf } from '../context.ts';
import { findInstances } from '../instance/instance.ts';
import { callerNetworks } from './caller-address.ts';

/** EC2 answers so until a new group is known everywhere. */
export const UNSEEN_GROUP = ['InvalidGroup.NotFound', 'InvalidSecurityGroupID.NotFound'];

type GroupQuery = NonNullable<Parameters<typeof paginateDescribeSecurityGroups>[1]>;

export function findGroups(api: Ec2Api, Filters: GroupQuery['Filters']): Promise<SecurityGroup[]> {
  return everyPage(
    api,
    (client) => paginateDescribeSecurityGroups({ client }, { Filters }),
    ({ SecurityGroups }) => SecurityGroups,
  );
}

/** Groups by the name or id that the user gave. undefined for one that is to be made. */
type NamedGroups = ReadonlyMap<string, SecurityGroup | undefined>;

export async function namedGroups(api: Ec2Api, context: Ec2Context, vpcId: string): Promise<NamedGroups> {
  const names = context.config.SecurityGroupNames;
  const all = names.length === 0 ? [] : await findGroups(api, [{ Name: 'vpc-id', Values: [vpcId] }]);
  return new Map(
    names.map((name) => [name, all.find((group) => group.GroupName === name || group.GroupId === name)]),
  );
}

/** Whether a group is made: the machine's own, or one that was named and is not there. */
export const makesGroup = (named: NamedGroups): boolean =>
  named.size === 0 || [...named.values()].includes(undefined);

/** Whether a group is opened, so that it must be known to whom. */
export const opensGroup = ({ config }: Ec2Context, named: NamedGroups): boolean =>
  makesGroup(named) || !config.SecurityGroupReadOnly;

/** CreateSecurityGroup, which needs the permission to tag besides its own. */
export function groupRequest(
  context: Ec2Context,
  name: string,
  vpcId: string,
): CreateSecurityGroupCommandInput {
  return {
    GroupName: name,
    Description: `Machine ${context.machine.name} of mymachine`,
    VpcId: vpcId,
    TagSpecifications: [{ ResourceType: 'security-group', Tags: tagsOf(context) }],
  };
}

async function make(api: Ec2Api, context: Ec2Context, name: string): Promise<SecurityGroup> {
  const request = groupRequest(context, name, context.config.VpcId);
  try {
    const { GroupId = '' } = await api.ask((ec2) => ec2.send(new CreateSecurityGroupCommand(request)));
    return { GroupId };
  } catch (error) {
    if (!isRefusedWith(error, ['InvalidGroup.Duplicate'])) throw error;
    // Made by a run that was cut off, and perhaps not to be seen yet.
    const find = async () => {
      const [found] = await findGroups(api, [
        { Name: 'group-name', Values: [name] },
        { Name: 'vpc-id', Values: [context.config.VpcId] },
      ]);
      return found;
    };
    const { clock, signal } = context;
    const found = await waitFor(find, { clock, signal, attempts: 30, intervalMs: 1000 });
    if (found === undefined) throw error;
    return found;
  }
}

/** Opens each rule by a call of its own: one that is there refuses the others with it. */
async function open(
  api: Ec2Api,
  groupId: string,
  rules: readonly Rule[],
  description: string,
): Promise<void> {
  for (const rule of rules) {
    const request = { GroupId: groupId, IpPermissions: [permissionFor(rule, description)] };
    await api
      .askUntilSeen(UNSEEN_GROUP, (ec2) => ec2.send(new AuthorizeSecurityGroupIngressCommand(request)))
      .catch((error: unknown) => {
        if (!isRefusedWith(error, ['InvalidPermission.Duplicate'])) throw error;
      });
  }
}

/** Sees that there are groups and that they let us in. `OwnGroupIds` are ours to remove. */
export async function ensureGroups(
  api: Ec2Api,
  context: Ec2Context,
): Promise<{ SecurityGroupIds: string[]; OwnGroupIds: string[] }> {
  const { config, report } = context;
  const description = `mymachine ${context.machine.name}`;
  const named = await namedGroups(api, context, config.VpcId);
  const networks = opensGroup(context, named)
    ? await callerNetworks(context, config.SubnetCidrs ?? [])
    : config.OpenTo.length > 0
      ? config.OpenTo
      : [ANYBODY];
  const rules = wantedRules(context, networks);
  if (config.SecurityGroupNames.length === 0) {
    const group = await make(api, context, resourceName(context));
    const id = group.GroupId ?? '';
    await open(api, id, missingRules(group, rules), description);
    return { SecurityGroupIds: [id], OwnGroupIds: [id] };
  }
  const SecurityGroupIds: string[] = [];
  const OwnGroupIds: string[] = [];
  for (const [name, known] of named) {
    const isOurs = known === undefined || tagOf(known.Tags, ID_TAG) !== '';
    const group = known ?? (await make(api, context, name));
    const id = group.GroupId ?? '';
    SecurityGroupIds.push(id);
    if (isOurs) OwnGroupIds.push(id);
    const missing = missingRules(group, rules);
    if (missing.length === 0) continue;
    const what = missing
      .map(({ protocol, port, cidr }) => `${port}/${protocol} to ${cidr || 'anybody'}`)
      .join(', ');
    if (config.SecurityGroupReadOnly && known !== undefined) {
      report.warn(
        `The security group ${name} does not open ${what}; with --amazonec2-security-group-readonly it stays so.`,
      );
      continue;
    }
    if (known !== undefined)
      report.info(`Opening ${what} in the security group ${name}, which was there before.`);
    await open(api, id, missing, description);
  }
  return { SecurityGroupIds, OwnGroupIds };
}

/** Gives whether the group is gone. It stays while something uses it, such as an interface. */
export async function deleteGroup(api: Ec2Api, id: string): Promise<boolean> {
  try {
    await api.ask((ec2) => ec2.send(new DeleteSecurityGroupCommand({ GroupId: id })));
    return true;
  } catch (error) {
    if (isNotFound(error)) return true;
    if (isRefusedWith(error, ['DependencyViolation', 'InvalidGroup.InUse'])) return false;
    throw error;
  }
}

const groupsOf = ({ SecurityGroups = [], NetworkInterfaces = [] }: Instance): readonly string[] =>
  [...SecurityGroups, ...NetworkInterfaces.flatMap(({ Groups = [] }) => Groups)].flatMap(
    ({ GroupId }) => GroupId ?? [],
  );

/**
 * Those of the groups that another machine's instance is in.
 * A group's tags name the machine that it was made for, and others may have joined since.
 * @param owner gives the id of the machine that a group was made for
 */
export async function groupsUsedByOthers(
  api: Ec2Api,
  groups: readonly string[],
  owner: (groupId: string) => string,
): Promise<ReadonlySet<string>> {
  const used = new Set<string>();
  for (const instance of await findInstances(api, { Name: 'instance.group-id', Values: [...groups] }))
    for (const id of groupsOf(instance)) if (tagOf(instance.Tags, ID_TAG) !== owner(id)) used.add(id);
  return used;
}

/** Something that a group lets in. */
interface Rule {
  readonly protocol: string;
  readonly port: number;
  /** A network, or ANYBODY. */
  readonly cidr: string;
}

/** Whoever it is, as long as somebody is let in. Of groups that are not ours to open. */
const ANYBODY = '';

/** What must be open to the networks: SSH, and the engine unless it is reached through that. */
export function wantedRules({ config }: Ec2Context, networks: readonly string[]): readonly Rule[] {
  const ssh = { protocol: 'tcp', port: config.SSHPort };
  const tls = [
    { protocol: 'tcp', port: ENGINE_PORT },
    ...(config.SwarmMaster
      ? [{ protocol: 'tcp', port: Number(/:(\d+)$/.exec(config.SwarmHost ?? '')?.[1] ?? 3376) }]
      : []),
  ];
  const ours = config.SSHOnly === true ? [ssh] : [ssh, ...tls];
  // The ports that the user named are open to everybody.
  const open = config.OpenPorts.flatMap((word) => {
    const [port, protocol = 'tcp'] = word.split('/');
    const everybody = config.IPv6 ? ['0.0.0.0/0', '::/0'] : ['0.0.0.0/0'];
    return everybody.map((cidr) => ({ protocol, port: Number(port), cidr }));
  });
  return [...networks.flatMap((cidr) => ours.map((port) => ({ ...port, cidr }))), ...open];
}

function missingRules(group: SecurityGroup | undefined, rules: readonly Rule[]): readonly Rule[] {
  return rules.filter((rule) => !(group?.IpPermissions ?? []).some((permission) => allows(permission, rule)));
}

function allows(permission: IpPermission, rule: Rule): boolean {
  const isProtocol = permission.IpProtocol === '-1' || permission.IpProtocol === rule.protocol;
  const isPort =
    permission.IpProtocol === '-1' ||
    ((permission.FromPort ?? 0) <= rule.port && rule.port <= (permission.ToPort ?? 65_535));
  const ranges = [
    ...(permission.IpRanges ?? []).map(({ CidrIp }) => CidrIp),
    ...(permission.Ipv6Ranges ?? []).map(({ CidrIpv6 }) => CidrIpv6),
  ];
  // Other groups and prefix lists may be let in as well as networks.
  const others = [...(permission.UserIdGroupPairs ?? []), ...(permission.PrefixListIds ?? [])];
  if (rule.cidr === ANYBODY) return isProtocol && isPort && ranges.length + others.length > 0;
  const everyone = rule.cidr.includes(':') ? '::/0' : '0.0.0.0/0';
  return isProtocol && isPort && (ranges.includes(rule.cidr) || ranges.includes(everyone));
}

function permissionFor({ protocol, port, cidr }: Rule, description: string): IpPermission {
  const base = { IpProtocol: protocol, FromPort: port, ToPort: port };
  return cidr.includes(':')
    ? { ...base, Ipv6Ranges: [{ CidrIpv6: cidr, Description: description }] }
    : { ...base, IpRanges: [{ CidrIp: cidr, Description: description }] };
}

/** Tells the user of networks that are open to everybody. */
export function warnOfOpenDoors({ config, report }: Ec2Context): void {
  const wide = config.OpenTo.filter((cidr) => /^(?:0\.0\.0\.0|::)\/0$/.test(cidr));
  const [what, guard] =
    config.SSHOnly === true ? ['SSH', 'keys'] : ['SSH and the engine', 'keys and certificates'];
  if (wide.length > 0)
    report.warn(
      `${what} will be open to the whole Internet (--amazonec2-open-to ${wide.join(', ')}); only ${guard} keep others out.`,
    );
}
