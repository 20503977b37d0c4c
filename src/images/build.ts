import { chmod, mkdir, mkdtemp, open, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Argv, Ports } from '../base/ports.ts';
import { lastLines } from '../base/printable.ts';
import { type AptMirror, aptMirror } from './apt-mirror.ts';
import { type Arch, hostArch } from './arch.ts';
import { runBootstrap } from './bootstrap.ts';
import { GRUB_DIR, guestPackages, missingPackages } from './build-packages.ts';
import {
  type CachedImage,
  checkImageName,
  type ImageContext,
  imagesDir,
  lockName,
  publishImage,
} from './cache.ts';
import { type Kernel, suiteDistribution } from './catalogue.ts';
import { imageError } from './errors.ts';
import guestCustomize from './guest-customize.sh';
import guestSetup from './guest-setup.sh';
import system from './system.sh';

export interface BuildRequest {
  /** What the image is to be called. */
  readonly name: string;
  /** Release by code name: bookworm, trixie, sid; of this computer's own distribution. */
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
 * Makes a bootable image (BIOS, one ext4 partition, cloud-init with NoCloud) from the packages of this computer's own
 * mirror: no loop device, no mount of ours, no virtual machine. Takes about 70 s. Needs root.
 */
export async function buildImage(context: ImageContext, request: BuildRequest): Promise<CachedImage> {
  checkImageName(request.name);
  const mirror = await checkCanBuild(context, request);
  const arch: Arch = 'x86_64';
  return context.withLock(lockName(request.name, arch), `the image ${request.name}`, async () => {
    const folder = imagesDir(context.cacheDir);
    await mkdir(folder, { recursive: true });
    const prefix = `work-${request.name}--`;
    for (const left of await readdir(folder)) {
      // We hold the lock, so these are of a build that was killed.
      if (left.startsWith(prefix)) await removeTree(context, join(folder, left));
    }
    const work = await mkdtemp(join(folder, prefix));
    try {
      await chmod(work, 0o755);
      await context.report.step(`Installing ${request.suite} from ${mirror.archive}`, () =>
        installSystem(context, request, mirror, work),
      );
      await context.report.step('Making a bootable disk of it', () =>
        makeDisk(context, work, request.diskMiB ?? 4096),
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

/** Whether this computer can build images at all, and from where; says what is missing otherwise. */
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

/** Over the two links that the kernel's packages maintain. A guest that fails says why on the serial line. */
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
/** The boot code of an MBR; the rest of the sector is the partition table. */
const BOOT_CODE = 440;

/** mke2fs fills the partition from the folder; GRUB is laid by hand: its boot sector, and its core in the gap behind it. */
async function makeDisk(ports: Ports, work: string, mib: number): Promise<void> {
  const root = join(work, 'root');
  const raw = join(work, 'disk.raw');
  const core = join(work, 'core.img');
  const early = join(work, 'early.cfg');
  await mkdir(join(root, 'boot/grub'), { recursive: true });
  await writeFile(join(root, 'boot/grub/grub.cfg'), GRUB_CONFIG);
  await writeFile(early, GRUB_EARLY_CONFIG);
  const modules =
    'biosdisk part_msdos ext2 search search_label search_fs_uuid normal configfile linux echo boot test minicmd serial';
  await mustRun(ports, [
    'grub-mkimage',
    '-O',
    'i386-pc',
    '-o',
    core,
    '-c',
    early,
    '-p',
    '/boot/grub',
    ...modules.split(' '),
  ]);
  await writeFile(raw, '');
  await truncate(raw, mib * 1024 * 1024);
  await mustRun(ports, ['sfdisk', '-q', raw], '2048,,L,*\n');
  const size = `${(mib - 1) * 1024}k`;
  await mustRun(ports, [
    'mke2fs',
    '-q',
    '-F',
    '-t',
    'ext4',
    '-L',
    'root',
    '-d',
    root,
    '-E',
    `offset=${PARTITION_START}`,
    raw,
    size,
  ]);
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

/** Not node's rm: if mmdebstrap was killed, /dev and /proc may still be mounted in there, and those are this computer's. */
async function removeTree(ports: Ports, path: string): Promise<void> {
  await ports.programs.run(['rm', '-rf', '--one-file-system', '--', path]);
}
