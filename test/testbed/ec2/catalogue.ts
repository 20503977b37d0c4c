/** What is there without being made: regions, zones, subnets, types of instances, images. */

export const REGIONS = [
  { name: 'us-east-1', optIn: 'opt-in-not-required' },
  { name: 'eu-west-1', optIn: 'opt-in-not-required' },
  { name: 'xx-test-7', optIn: 'opted-in' },
  { name: 'ap-east-1', optIn: 'not-opted-in' },
] as const;

export const ACCOUNT = '111122223333';

export interface Subnet {
  readonly id: string;
  readonly vpc: string;
  readonly zone: string;
  readonly cidr: string;
  readonly isDefault: boolean;
  readonly mapPublic: boolean;
}

export const VPC = { id: 'vpc-0d0000000000000a1', cidr: '172.31.0.0/16' } as const;
export const OTHER_VPC = { id: 'vpc-0d0000000000000b2', cidr: '10.7.0.0/16' } as const;

/** Default subnets in three zones, and one of a VPC of the user's own. */
export function subnetsOf(region: string): readonly Subnet[] {
  const ofZone = (letter: string, index: number): Subnet => ({
    id: `subnet-0d000000000000${letter}${index}1`,
    vpc: VPC.id,
    zone: `${region}${letter}`,
    cidr: `172.31.${16 * index}.0/20`,
    isDefault: true,
    mapPublic: true,
  });
  const own = { id: 'subnet-0e000000000000a91', vpc: OTHER_VPC.id, zone: `${region}a`, cidr: '10.7.1.0/24' };
  return [ofZone('a', 0), ofZone('b', 1), ofZone('c', 2), { ...own, isDefault: false, mapPublic: false }];
}

export const INSTANCE_TYPES: Readonly<
  Record<string, { readonly arch: string; readonly memory: number; readonly cpus: number }>
> = {
  't2.micro': { arch: 'x86_64', memory: 1024, cpus: 1 },
  't3.micro': { arch: 'x86_64', memory: 1024, cpus: 2 },
  'm5.large': { arch: 'x86_64', memory: 8192, cpus: 2 },
  't4g.micro': { arch: 'arm64', memory: 1024, cpus: 2 },
};

export interface Image {
  readonly id: string;
  readonly name: string;
  readonly owner: string;
  readonly arch: string;
  readonly created: string;
  readonly root: string;
  readonly state: string;
}

const CANONICAL = '099720109477';
const DEBIAN = '136693071363';

function image(
  id: string,
  name: string,
  owner: string,
  arch: string,
  day: string,
  state = 'available',
): Image {
  const root = owner === DEBIAN ? '/dev/xvda' : '/dev/sda1';
  return { id: `ami-${id}`, name, owner, arch, created: `${day}T08:00:00.000Z`, root, state };
}

const noble = (arch: string, day: string) =>
  `ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-${arch}-server-${day.replaceAll('-', '')}`;

export const IMAGES: readonly Image[] = [
  image('0a00000000000a001', noble('amd64', '2026-09-01'), CANONICAL, 'x86_64', '2026-09-01'),
  image('0a00000000000a002', noble('amd64', '2026-11-05'), CANONICAL, 'x86_64', '2026-11-05'),
  image('0a00000000000a003', noble('amd64', '2026-11-20'), CANONICAL, 'x86_64', '2026-11-20', 'pending'),
  image('0a00000000000a004', noble('arm64', '2026-11-05'), CANONICAL, 'arm64', '2026-11-05'),
  // Anybody may publish an image of any name.
  image('0a00000000000bad1', noble('amd64', '2026-11-22'), '999988887777', 'x86_64', '2026-11-22'),
  image('0a00000000000d001', 'debian-12-amd64-20261001-1888', DEBIAN, 'x86_64', '2026-10-01'),
  image('0a00000000000d002', 'debian-13-amd64-20261112-2294', DEBIAN, 'x86_64', '2026-11-12'),
  // As other servers of this API give theirs: an id of letters, and no architecture.
  image('ubuntu24noble', 'ubuntu-24.04', ACCOUNT, '', '2026-11-12'),
  image('0a00000000000d003', 'debian-13-arm64-20261112-2294', DEBIAN, 'arm64', '2026-11-12'),
];
