import { mkdir, open, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Argv, Ports } from '../base/ports.ts';
import { lastLines } from '../base/printable.ts';
import { imageError } from './errors.ts';

/** Where GRUB's pieces for BIOS machines lie on Debian and Ubuntu. */
export const GRUB_DIR = '/usr/lib/grub/i386-pc';

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
export async function makeBootDisk(ports: Ports, work: string, mib: number): Promise<void> {
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
