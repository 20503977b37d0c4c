import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { checkIso } from '../../../src/drivers/virtualbox/hardware/boot2docker.ts';
import { inspectDisk } from '../../../src/images/resolve.ts';

const folder = await mkdtemp(join(tmpdir(), 'mm-disk-'));
afterAll(() => rm(folder, { recursive: true }));
const pipe = join(folder, 'pipe');
if (process.platform !== 'win32') execFileSync('mkfifo', [pipe]);

test.runIf(process.platform !== 'win32').each([
  ['a pipe', pipe],
  ['a device without an end', '/dev/zero'],
  ['a folder', folder],
  ['nothing', join(folder, 'nothing')],
])('%s is no disk image, which is said at once', async (_, path) => {
  await expect(inspectDisk(path)).rejects.toMatchObject({ code: 'MM_IMAGE_FILE' });
});

test.runIf(process.platform !== 'win32')('nor is a pipe an ISO image of boot2docker', async () => {
  await expect(checkIso(pipe)).rejects.toMatchObject({ code: 'MM_VBOX_BOOT2DOCKER' });
});
