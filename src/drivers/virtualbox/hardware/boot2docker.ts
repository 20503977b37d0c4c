import { copyFile, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { noFile } from '../../../base/files.ts';
import { isMachineError, messageOf } from '../../../base/machine-error.ts';
import { download, parseDigest } from '../../../download/download.ts';
import { httpClient } from '../../../download/http.ts';
import { isImageUrl } from '../../../images/catalogue.ts';
import type { DriverContext } from '../../../sdk/context.ts';
import { imageContext } from '../../../sdk/guest.ts';
import { machineFiles, type VirtualBoxConfig } from '../config.ts';
import { virtualboxError } from '../errors.ts';
import { manage, vmInfo } from '../manage/manage.ts';
import { attach } from './disk.ts';
import { hardwareOf } from './hardware.ts';

type Context = DriverContext<VirtualBoxConfig>;

/** boot2docker formats a disk that begins so, and unpacks the tar archive behind it at home. */
const FORMAT_ME = 'boot2docker, please format-me';

const pathOf = (wished: string): string =>
  wished.startsWith('file:') ? fileURLToPath(wished) : resolve(wished);

/** Checks what can be without the network. */
export async function checkIso(wished: string): Promise<void> {
  if (isImageUrl(wished)) {
    if (parseDigest(wished.split('#')[1] ?? '') !== undefined) return;
    throw unusable(
      wished,
      'it comes without a checksum',
      'Write it behind the address, as in https://…/boot2docker.iso#sha256:HEX.',
    );
  }
  const why = await isoFault(pathOf(wished)).catch(messageOf);
  if (why === undefined) return;
  throw unusable(wished, why, 'Give the path of the ISO image, or leave it out for a current system.');
}

/** Why a file is no ISO image: it lacks a volume descriptor (ECMA-119). undefined for one. */
async function isoFault(path: string): Promise<string | undefined> {
  const kind = noFile(await stat(path));
  if (kind !== undefined) return `it is ${kind}`;
  const file = await open(path, 'r');
  try {
    const { buffer } = await file.read(Buffer.alloc(5), 0, 5, 0x8001);
    return buffer.toString('latin1') === 'CD001' ? undefined : 'it is no ISO image';
  } finally {
    await file.close();
  }
}

export async function fetchIso(context: Context): Promise<void> {
  const { config, machine } = context;
  const wished = config.Boot2DockerURL;
  const { iso } = machineFiles(machine.dir, config);
  const draft = `${iso}.part`;
  if (!isImageUrl(wished)) await copyFile(pathOf(wished), draft);
  else await fetchUrl(context, wished, draft);
  await rename(draft, iso);
}

async function fetchUrl(context: Context, wished: string, path: string): Promise<void> {
  const [url = '', fragment = ''] = wished.split('#');
  const checksum = parseDigest(fragment);
  if (checksum === undefined) return checkIso(wished);
  const http = await httpClient(imageContext(context).proxy, context.signal);
  try {
    await download(context, http, { url, path, checksum, title: basename(new URL(url).pathname) });
  } catch (cause) {
    if (!isMachineError(cause)) throw cause;
    throw unusable(wished, cause.message, cause.hint ?? 'Download it yourself, and give its path.');
  } finally {
    await http.close();
  }
}

/** An empty disk that boot2docker formats at its first boot, taking our key from it. */
export async function makeBoot2DockerDisk(context: Context): Promise<void> {
  const { config, machine } = context;
  const files = machineFiles(machine.dir, config);
  const { controller, diskPort, isoPort } = hardwareOf(config);
  if ((await vmInfo(context))?.get(`${controller}-${diskPort}-0`) !== files.disk) {
    const key = await readFile(`${files.key}.pub`);
    const archive = Buffer.concat([
      tarFile(FORMAT_ME, Buffer.from(FORMAT_ME)),
      tarFile('.ssh/', undefined),
      tarFile('.ssh/authorized_keys', key),
      tarFile('.ssh/authorized_keys2', key),
      Buffer.alloc(1024),
    ]);
    await manage(context, ['closemedium', 'disk', files.disk]).catch(() => undefined);
    await rm(files.disk, { force: true });
    const bytes = String(config.DiskSize * 1024 * 1024);
    await manage(context, ['convertfromraw', 'stdin', files.disk, bytes, '--format', 'VMDK'], {
      input: archive,
    });
    await attach(context, diskPort, 'hdd', files.disk);
  }
  await attach(context, isoPort, 'dvddrive', files.iso);
}

function unusable(wished: string, why: string, hint: string): Error {
  return virtualboxError('MM_VBOX_BOOT2DOCKER', {
    message: `The boot2docker ISO ${wished.slice(0, 200)} cannot be used: ${why}`,
    hint,
  });
}

/** An entry of a tar archive (POSIX ustar), in blocks of 512 bytes. No content is a folder. */
export function tarFile(name: string, content: Uint8Array | undefined): Buffer {
  const size = content?.length ?? 0;
  const entry = Buffer.alloc(512 + Math.ceil(size / 512) * 512);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, '0');
  entry.write(name, 0, 100, 'utf8');
  entry.write(content === undefined ? '0000700' : '0000644', 100);
  entry.write('0000000', 108);
  entry.write('0000000', 116);
  entry.write(octal(size, 11), 124);
  entry.write(octal(0, 11), 136);
  entry.write('        ', 148);
  entry.write(content === undefined ? '5' : '0', 156);
  entry.write('ustar\u000000', 257, 'latin1');
  const sum = entry.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  entry.write(`${octal(sum, 6)}\u0000 `, 148, 'latin1');
  if (content !== undefined) entry.set(content, 512);
  return entry;
}
