import { ApiError, invalid, missing } from '../api-error.ts';
import { ACCOUNT, OTHER_VPC, VPC } from '../catalogue.ts';
import type { Resource } from '../cloud.ts';
import type { Instance } from '../instances.ts';
import type { Query } from '../query.ts';
import { filtered, page, tagSet, tagsFor } from '../tags.ts';
import { type Action, DONE } from './call.ts';

export interface Permission {
  readonly protocol: string;
  readonly from: number;
  readonly to: number;
  readonly cidr: string;
  readonly description: string;
}

export interface SecurityGroup extends Resource {
  readonly kind: 'security-group';
  readonly name: string;
  readonly vpcId: string;
  readonly permissions: Permission[];
}

const createSecurityGroup: Action = ({ query, cloud }) => {
  const name = query.text('GroupName');
  if (name === '') throw missing('GroupName');
  if (query.text('GroupDescription') === '') throw missing('GroupDescription');
  if (!/^[a-zA-Z0-9._\-:/()#,@[\]+=&;{}!$* ]{1,255}$/.test(name) || name.startsWith('sg-'))
    throw invalid(`Invalid value '${name}' for groupName`);
  const vpcId = query.text('VpcId') || VPC.id;
  if (![VPC.id, OTHER_VPC.id].includes(vpcId as typeof VPC.id))
    throw new ApiError('InvalidVpcID.NotFound', `The vpc ID '${vpcId}' does not exist`);
  const isTaken = (group: SecurityGroup) => !group.gone && group.name === name && group.vpcId === vpcId;
  if (cloud.every<SecurityGroup>('security-group').some(isTaken))
    throw new ApiError(
      'InvalidGroup.Duplicate',
      `The security group '${name}' already exists for VPC '${vpcId}'`,
    );
  const permissions: Permission[] = [];
  const group = cloud.add('security-group', tagsFor(query, 'security-group'), { name, vpcId, permissions });
  return { ...DONE, groupId: group.id, tagSet: tagSet(group.tags) };
};

function permissionsOf(query: Query): Permission[] {
  return query.items('IpPermissions').flatMap((permission) => {
    const ranges = [
      ...permission.items('IpRanges').map((range) => ({ cidr: range.text('CidrIp'), range })),
      ...permission.items('Ipv6Ranges').map((range) => ({ cidr: range.text('CidrIpv6'), range })),
    ];
    return ranges.map(({ cidr, range }) => {
      if (!/^[0-9a-f.:]+\/\d{1,3}$/.test(cidr)) throw invalid(`CIDR block ${cidr} is malformed`);
      return {
        protocol: permission.text('IpProtocol'),
        from: permission.number('FromPort') ?? -1,
        to: permission.number('ToPort') ?? -1,
        cidr,
        description: range.text('Description'),
      };
    });
  });
}

const authorizeIngress: Action = ({ query, cloud }) => {
  const group = cloud.get<SecurityGroup>('security-group', query.text('GroupId'), 'Group');
  const added = permissionsOf(query);
  const same = (a: Permission, b: Permission) =>
    a.protocol === b.protocol && a.from === b.from && a.to === b.to && a.cidr === b.cidr;
  const twice = added.find((permission) => group.permissions.some((other) => same(permission, other)));
  if (twice !== undefined)
    throw new ApiError(
      'InvalidPermission.Duplicate',
      `the specified rule "peer: ${twice.cidr}, ${twice.protocol}, from port: ${twice.from}, to port: ${twice.to}, ALLOW" already exists`,
    );
  group.permissions.push(...added);
  return DONE;
};

const describeSecurityGroups: Action = ({ query, cloud }) => {
  const ids = query.list('GroupId');
  for (const id of ids) cloud.get('security-group', id, 'Group');
  const all = cloud
    .seen<SecurityGroup>('security-group')
    .filter(({ id }) => ids.length === 0 || ids.includes(id));
  const found = filtered(all, query, (group) => ({
    'group-name': [group.name],
    'vpc-id': [group.vpcId],
    'group-id': [group.id],
  }));
  const { items, nextToken } = page(found, query, cloud.behaviour.pageLimit);
  const rule = ({ protocol, from, to, cidr, description }: Permission) => ({
    ipProtocol: protocol,
    ...(protocol === '-1' ? {} : { fromPort: from, toPort: to }),
    ipRanges: cidr.includes(':') ? [] : [{ cidrIp: cidr, description }],
    ipv6Ranges: cidr.includes(':') ? [{ cidrIpv6: cidr, description }] : [],
  });
  return {
    securityGroupInfo: items.map((group) => ({
      ownerId: ACCOUNT,
      groupId: group.id,
      groupName: group.name,
      groupDescription: group.name,
      vpcId: group.vpcId,
      ipPermissions: group.permissions.map(rule),
      tagSet: tagSet(group.tags),
    })),
    nextToken,
  };
};

const deleteSecurityGroup: Action = ({ query, cloud }) => {
  const group = cloud.get<SecurityGroup>('security-group', query.text('GroupId'), 'Group');
  const { interfaceLingersMs, groupInUse, deletesGroupsInUse } = cloud.behaviour;
  const isHeld = ({ gone, goneAt }: Instance) => !gone || goneAt + interfaceLingersMs > cloud.now();
  const users = cloud
    .every<Instance>('instance')
    .filter((each) => isHeld(each) && each.groups.includes(group.id));
  if (users.length > 0 && !deletesGroupsInUse)
    throw new ApiError(groupInUse, `resource ${group.id} has a dependent object`);
  cloud.remove(group);
  return { ...DONE, groupId: group.id };
};

export const groups = {
  CreateSecurityGroup: createSecurityGroup,
  AuthorizeSecurityGroupIngress: authorizeIngress,
  DescribeSecurityGroups: describeSecurityGroups,
  DeleteSecurityGroup: deleteSecurityGroup,
} satisfies Record<string, Action>;
