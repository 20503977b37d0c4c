import {
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  type CreateSecurityGroupCommandInput,
  DeleteSecurityGroupCommand,
  type IpPermission,
  paginateDescribeSecurityGroups,
  type SecurityGroup,
} from '@aws-sdk/client-ec2';
import { isMachineError } from '../../../base/machine-error.ts';
import { waitFor } from '../../../base/wait.ts';
import { type Ec2Api, everyPage } from '../api/api.ts';
import { codeOf, isNotFound } from '../api/failures.ts';
import { type Ec2Context, ENGINE_PORT, ID_TAG, resourceName, tagged, tagsOf } from '../context.ts';
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

/** In a rule: whoever it is, as long as there is one. Of groups that are not ours to open. */
const SOMEBODY = '';

export interface Rule {
  readonly protocol: string;
  readonly port: number;
  readonly cidr: string;
}

/** What must be open: SSH, the engine unless it is reached through that, the ports that the user named, to those who may come. */
export function wantedRules(context: Ec2Context, networks: readonly string[]): readonly Rule[] {
  const { config } = context;
  const ssh = { protocol: 'tcp', port: config.SSHPort };
  const tls = [
    { protocol: 'tcp', port: ENGINE_PORT },
    ...(config.SwarmMaster
      ? [{ protocol: 'tcp', port: Number(/:(\d+)$/.exec(config.SwarmHost ?? '')?.[1] ?? 3376) }]
      : []),
  ];
  const ours = config.SSHOnly === true ? [ssh] : [ssh, ...tls];
  const open = config.OpenPorts.flatMap((word) => {
    const [port, protocol = 'tcp'] = word.split('/');
    const everybody = config.IPv6 ? ['0.0.0.0/0', '::/0'] : ['0.0.0.0/0'];
    return everybody.map((cidr) => ({ protocol, port: Number(port), cidr }));
  });
  return [...networks.flatMap((cidr) => ours.map((port) => ({ ...port, cidr }))), ...open];
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
  if (rule.cidr === SOMEBODY) return isProtocol && isPort && ranges.length + others.length > 0;
  const everyone = rule.cidr.includes(':') ? '::/0' : '0.0.0.0/0';
  return isProtocol && isPort && (ranges.includes(rule.cidr) || ranges.includes(everyone));
}

export function missingRules(group: SecurityGroup | undefined, rules: readonly Rule[]): readonly Rule[] {
  return rules.filter((rule) => !(group?.IpPermissions ?? []).some((permission) => allows(permission, rule)));
}

function permissionFor({ protocol, port, cidr }: Rule, description: string): IpPermission {
  const base = { IpProtocol: protocol, FromPort: port, ToPort: port };
  return cidr.includes(':')
    ? { ...base, Ipv6Ranges: [{ CidrIpv6: cidr, Description: description }] }
    : { ...base, IpRanges: [{ CidrIp: cidr, Description: description }] };
}

/** Opens what is not open yet. Each rule is a call of its own: one that is there already refuses the others with it. */
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
        if (isMachineError(error) && codeOf(error.cause) === 'InvalidPermission.Duplicate') return;
        throw error;
      });
  }
}

/** What the user should know about networks that are open to everybody. */
export function warnOfOpenDoors(context: Ec2Context): void {
  const wide = context.config.OpenTo.filter((cidr) => /^(?:0\.0\.0\.0|::)\/0$/.test(cidr));
  const [what, guard] =
    context.config.SSHOnly === true ? ['SSH', 'keys'] : ['SSH and the engine', 'keys and certificates'];
  if (wide.length > 0)
    context.report.warn(
      `${what} will be open to the whole Internet (--amazonec2-open-to ${wide.join(', ')}); only ${guard} keep others out.`,
    );
}

/** The groups named, by name or id, as they are in the VPC; those that are not there are to be made. */
export async function namedGroups(
  api: Ec2Api,
  context: Ec2Context,
  vpcId: string,
): Promise<ReadonlyMap<string, SecurityGroup | undefined>> {
  const names = context.config.SecurityGroupNames;
  const all = names.length === 0 ? [] : await findGroups(api, [{ Name: 'vpc-id', Values: [vpcId] }]);
  return new Map(
    names.map((name) => [name, all.find((group) => group.GroupName === name || group.GroupId === name)]),
  );
}

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

/** Whether a group will be opened, so that it has to be known to whom: not so when all are there and stay as they are. */
export function opensDoors(
  { config }: Ec2Context,
  named: ReadonlyMap<string, SecurityGroup | undefined>,
): boolean {
  return named.size === 0 || !config.SecurityGroupReadOnly || [...named.values()].includes(undefined);
}

async function make(api: Ec2Api, context: Ec2Context, name: string): Promise<SecurityGroup> {
  const request = groupRequest(context, name, context.config.VpcId);
  try {
    const { GroupId = '' } = await api.ask((ec2) => ec2.send(new CreateSecurityGroupCommand(request)));
    return { GroupId };
  } catch (error) {
    if (!isMachineError(error) || codeOf(error.cause) !== 'InvalidGroup.Duplicate') throw error;
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

/** Sees that there are groups and that they let us in. Gives the ids of all, and of those that are ours to remove. */
export async function ensureGroups(
  api: Ec2Api,
  context: Ec2Context,
): Promise<{ SecurityGroupIds: string[]; OwnGroupIds: string[] }> {
  const { config, report } = context;
  const description = `mymachine ${context.machine.name}`;
  const named = await namedGroups(api, context, config.VpcId);
  const networks = opensDoors(context, named)
    ? await callerNetworks(context, config.SubnetCidrs ?? [])
    : config.OpenTo.length > 0
      ? config.OpenTo
      : [SOMEBODY];
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
    const isOurs = known === undefined || isMade(known);
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

const isMade = (group: SecurityGroup): boolean => group.Tags?.some(({ Key }) => Key === ID_TAG) ?? false;

/** Ids of the groups that were made for the machine. */
export async function ownGroups(api: Ec2Api, machineId: string): Promise<string[]> {
  const found = await findGroups(api, [tagged(machineId)]);
  return found.flatMap(({ GroupId }) => GroupId ?? []);
}

const IN_USE: ReadonlySet<string> = new Set(['DependencyViolation', 'InvalidGroup.InUse']);

/** Deletes a group unless something uses it: an instance, its network interface for a while after it, another group. Gives whether it is gone. */
export async function deleteGroup(api: Ec2Api, id: string): Promise<boolean> {
  try {
    await api.ask((ec2) => ec2.send(new DeleteSecurityGroupCommand({ GroupId: id })));
    return true;
  } catch (error) {
    if (isNotFound(error)) return true;
    if (isMachineError(error) && IN_USE.has(codeOf(error.cause))) return false;
    throw error;
  }
}
