import type { IpPermission, SecurityGroup } from '@aws-sdk/client-ec2';
import { type Ec2Context, ENGINE_PORT } from '../context.ts';

/** Something that a group lets in. */
export interface Rule {
  readonly protocol: string;
  readonly port: number;
  /** A network, or ANYBODY. */
  readonly cidr: string;
}

/** Whoever it is, as long as somebody is let in. Of groups that are not ours to open. */
export const ANYBODY = '';

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

export function missingRules(group: SecurityGroup | undefined, rules: readonly Rule[]): readonly Rule[] {
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

export function permissionFor({ protocol, port, cidr }: Rule, description: string): IpPermission {
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
