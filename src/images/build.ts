import {
  access,
  chmod,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolders } from '../base/files.ts';
import type { Argv, Ports, Programs } from '../base/ports.ts';
import { lastLines } from '../base/printable.ts';
import { type AptMirror, aptMirror } from './apt-mirror.ts';
import { runBootstrap } from './bootstrap.ts';
import {
  type CachedImage,
  checkImageName,
  type ImageContext,
  imagesDir,
  lockName,
  publishImage,
} from './cache.ts';
import { type Arch, hostArch, type Kernel, suiteDistribution } from './catalogue.ts';
import { imageError } from './errors.ts';
import guestCustomize from './guest-customize.sh';
import guestSetup from './guest-setup.sh';
import system from './system.sh';

interface BuildRequest {
  /** The name of the image. */
  readonly name: string;
  /** Code name of a release of this computer's distribution: bookworm, trixie, sid. */
  readonly suite: string;
  /** Put the distribution's own Docker Engine into it. */
  readonly engine: boolean;
  readonly packages?: readonly string[];
  /** Default 'cloud'. */
  readonly kernel?: Kernel;
  /** Size of the disk before a machine grows it. Default 4096. */
  readonly diskMiB?: number;
}

/**
 * Makes a bootable image (BIOS, one ext4 partition, cloud-init) of packages from apt's mirror.
 * Uses no loop device, mount or virtual machine. Takes about 70 s. Needs root.
 */
export async function buildImage(context: ImageContext, request: BuildRequest): Promise<CachedImage> {
  checkImageName(request.name);
  const mirror = await checkCanBuild(context, request);
  const arch: Arch = 'x86_64';
  return context.withLock(lockName(request.name, arch), `the image ${request.name}`, async () => {
    const folder = imagesDir(context.cacheDir);
    await makeFolders(folder);
    const prefix = `work-${request.name}--`;
    for (const left of await readdir(folder)) {
      // We hold the lock, so a killed build left these.
      if (left.startsWith(prefix)) await removeTree(context, join(folder, left));
    }
    const work = await mkdtemp(join(folder, prefix));
    try {
      await chmod(work, 0o755);
      await context.report.step(`Installing ${request.suite} from ${mirror.archive}`, () =>
        installSystem(context, request, mirror, work),
      );
      await context.report.step('Making a bootable disk of it', () =>
        makeBootDisk(context, work, request.diskMiB ?? 4096),
      );
      return await publishImage(context.cacheDir, join(work, 'disk.qcow2'), {
        name: request.name,
        arch,
        source: `built from ${mirror.archive} ${request.suite}`,
        digest: '',
        created: new Date(context.clock.now()).toISOString(),
        contents: [...(request.engine ? ['engine'] : []), ...(request.packages ?? [])],
      });
    } finally {
      await removeTree(context, work);
    }
  });
}

const DISTRIBUTION_NAMES = { debian: 'Debian', ubuntu: 'Ubuntu' } as const;

/** Gives the mirror to build from. Throws what is missing if this computer cannot build images. */
export async function checkCanBuild(
  ports: Ports,
  request: Pick<BuildRequest, 'suite' | 'packages'>,
): Promise<AptMirror> {
  const mirror = process.platform === 'linux' ? await aptMirror() : undefined;
  if (mirror === undefined || hostArch() !== 'x86_64') {
    throw imageError('MM_IMAGE_BUILD_PLATFORM', {
      message:
        'Images can be built only on Debian or Ubuntu with an x86_64 processor; this computer is not one',
      hint: 'Download one instead, where the network allows it: "mymachine image pull debian-13".',
    });
  }
  for (const word of [request.suite, ...(request.packages ?? [])]) {
    if (!/^[a-z0-9][a-z0-9.+-]*$/.test(word)) {
      throw imageError('MM_IMAGE_NAME', {
        message: `${JSON.stringify(word.slice(0, 60))} is not the name of a release or package`,
        hint: 'Name releases by code name (bookworm, trixie, sid) and packages as apt does.',
      });
    }
  }
  const owner = suiteDistribution(request.suite) ?? mirror.distribution;
  if (owner !== mirror.distribution) {
    const [theirs, ours] = [DISTRIBUTION_NAMES[owner], DISTRIBUTION_NAMES[mirror.distribution]];
    throw imageError('MM_IMAGE_BUILD_PLATFORM', {
      message: `${request.suite} is a release of ${theirs}, and this computer's packages are ${ours}'s`,
      hint: `Build it on ${theirs}, name a release of ${ours} with --suite, or download the image where the network allows it: "mymachine image pull NAME".`,
    });
  }
  if (process.getuid?.() !== 0) {
    throw imageError('MM_IMAGE_BUILD_ROOT', {
      message: 'Building an image needs root, because the packages’ own scripts run in it',
      hint: 'Run it with sudo ("sudo mymachine image build …"), or download one: "mymachine image pull debian-13".',
    });
  }
  const missing = await missingPackages(ports.programs);
  if (missing.length > 0) {
    throw imageError('MM_IMAGE_BUILD_PACKAGES', {
      message: `Building an image needs packages that are not installed: ${missing.join(', ')}`,
      hint: `Install them: "apt-get install -y --no-install-recommends ${missing.join(' ')}".`,
    });
  }
  return mirror;
}

async function installSystem(
  ports: Ports,
  request: BuildRequest,
  mirror: AptMirror,
  work: string,
): Promise<void> {
  await runBootstrap(ports, {
    mirror,
    suite: request.suite,
    packages: [
      ...guestPackages(mirror.distribution, request.suite, request.engine, request.kernel),
      ...(request.packages ?? []),
    ],
    target: join(work, 'root'),
    setupHooks: [guestSetup],
    customizeHooks: [guestCustomize, system],
  });
}

/** Unlike node's rm, it spares this computer's /dev, which a killed mmdebstrap leaves mounted. */
async function removeTree(ports: Ports, path: string): Promise<void> {
  await ports.programs.run(['rm', '-rf', '--one-file-system', '--', path]);
}

/** Where GRUB's pieces for BIOS machines lie on Debian and Ubuntu. */
const GRUB_DIR = '/usr/lib/grub/i386-pc';

/** What building an image needs on this computer, and the Debian package of each. */
const NEEDED: readonly { readonly program?: string; readonly file?: string; readonly package: string }[] = [
  { program: 'mmdebstrap', package: 'mmdebstrap' },
  { program: 'grub-mkimage', package: 'grub-common' },
  { file: `${GRUB_DIR}/boot.img`, package: 'grub-pc-bin' },
  { program: 'mke2fs', package: 'e2fsprogs' },
  { program: 'sfdisk', package: 'fdisk' },
  { program: 'qemu-img', package: 'qemu-utils' },
];

/** The Debian packages that building lacks here. */
async function missingPackages(programs: Programs): Promise<readonly string[]> {
  const missing = await Promise.all(
    NEEDED.map(async (need) => {
      const there =
        need.program !== undefined
          ? (await programs.find(need.program)) !== undefined
          : await access(need.file ?? '').then(
              () => true,
              () => false,
            );
      return there ? undefined : need.package;
    }),
  );
  return missing.filter((name) => name !== undefined);
}

/** Packages of a guest's system. Recommended packages are not installed, so all are named. */
export function guestPackages(
  distribution: 'debian' | 'ubuntu',
  suite: string,
  engine: boolean,
  kernel: Kernel = 'cloud',
): readonly string[] {
  return [
    kernelPackage(distribution, kernel),
    ...'systemd-sysv systemd-resolved systemd-timesyncd dbus libpam-systemd udev openssh-server cloud-init'.split(
      ' ',
    ),
    ...'cloud-guest-utils fdisk sudo ca-certificates curl gnupg iproute2 iputils-ping procps kmod less rsync'.split(
      ' ',
    ),
    ...'e2fsprogs zstd apparmor iptables'.split(' '),
    ...(distribution === 'ubuntu' ? ['initramfs-tools', 'netplan.io'] : []),
    ...(engine ? ['docker.io', ...(hasSeparateCli(distribution, suite) ? ['docker-cli'] : [])] : []),
  ];
}

function kernelPackage(distribution: 'debian' | 'ubuntu', kernel: Kernel): string {
  if (distribution === 'ubuntu') return 'linux-image-virtual';
  return kernel === 'cloud' ? 'linux-image-cloud-amd64' : 'linux-image-amd64';
}

/** Debian split the command-line client from docker.io after 12. */
function hasSeparateCli(distribution: 'debian' | 'ubuntu', suite: string): boolean {
  return distribution === 'debian' && suite !== 'bookworm' && suite !== 'bullseye';
}

/** Boots by the two links that the kernel's packages maintain. Errors go to the serial line. */
const GRUB_CONFIG = `set timeout=0
search --no-floppy --label root --set=root
linux /vmlinuz root=LABEL=root ro console=tty0 console=ttyS0,115200 net.ifnames=0
initrd /initrd.img
boot
`;

const GRUB_EARLY_CONFIG = `search.fs_label root root
set prefix=($root)/boot/grub
configfile $prefix/grub.cfg
`;

const SECTOR = 512;
const PARTITION_START = 2048 * SECTOR;
/** Bytes of an MBR's boot code. The partition table follows. */
const BOOT_CODE = 440;

/**
 * Makes WORK/disk.qcow2, which boots by BIOS, of the system in WORK/root.
 * mke2fs fills the partition from the folder. GRUB's boot sector and core are written by us.
 */
async function makeBootDisk(ports: Ports, work: string, mib: number): Promise<void> {
  const root = join(work, 'root');
  const raw = join(work, 'disk.raw');
  const core = join(work, 'core.img');
  const early = join(work, 'early.cfg');
  await mkdir(join(root, 'boot/grub'), { recursive: true });
  await writeFile(join(root, 'boot/grub/grub.cfg'), GRUB_CONFIG);
  await writeFile(early, GRUB_EARLY_CONFIG);
  const modules =
    'biosdisk part_msdos ext2 search search_label search_fs_uuid normal configfile linux echo boot test minicmd serial';
  const output = ['-O', 'i386-pc', '-o', core, '-c', early, '-p', '/boot/grub'];
  await mustRun(ports, ['grub-mkimage', ...output, ...modules.split(' ')]);
  await writeFile(raw, '');
  await truncate(raw, mib * 1024 * 1024);
  await mustRun(ports, ['sfdisk', '-q', raw], '2048,,L,*\n');
  const size = `${(mib - 1) * 1024}k`;
  const system = ['-q', '-F', '-t', 'ext4', '-L', 'root', '-d', root, '-E', `offset=${PARTITION_START}`];
  await mustRun(ports, ['mke2fs', ...system, raw, size]);
  if ((await stat(core)).size > PARTITION_START - SECTOR)
    throw new Error('GRUB does not fit before the first partition');
  const disk = await open(raw, 'r+');
  try {
    await disk.write((await readFile(join(GRUB_DIR, 'boot.img'))).subarray(0, BOOT_CODE), 0, BOOT_CODE, 0);
    const coreImage = await readFile(core);
    await disk.write(coreImage, 0, coreImage.length, SECTOR);
  } finally {
    await disk.close();
  }
  await mustRun(ports, ['qemu-img', 'convert', '-O', 'qcow2', raw, join(work, 'disk.qcow2')]);
}

async function mustRun(ports: Ports, argv: Argv, input?: string): Promise<void> {
  const result = await ports.programs.run(argv, {
    signal: ports.signal,
    timeoutMs: 10 * 60_000,
    ...(input === undefined ? {} : { input }),
  });
  ports.signal.throwIfAborted();
  if (result.exitCode === 0) return;
  throw imageError('MM_IMAGE_BUILD_FAILED', {
    message: `Building the image failed: ${argv[0]} ended with ${result.exitCode ?? 'a signal'}`,
    hint: 'See that the disk has 5 GB free, then try again.',
    details: lastLines(result.stderr, 12),
  });
}
