import { buildImage } from '../../../images/build.ts';
import { type CachedImage, type ImageContext, listImages, removeImage } from '../../../images/cache.ts';
import { type Arch, buildSystem, catalogueNames, hostArch, type Kernel } from '../../../images/catalogue.ts';
import { pullImage } from '../../../images/pull.ts';
import { machinesOnImage } from '../../../machine/load.ts';
import { locksOf } from '../../../machine/locks.ts';
import type { App } from '../../app.ts';
import { defineCommand, done, type Result, value } from '../../command.ts';
import { cliError } from '../../errors.ts';
import { table } from '../../output/table.ts';

export const command = defineCommand({
  argument: 'ls | pull NAME | build NAME | rm NAME...',
  takes: [['ls', 'pull', 'build', 'rm'], catalogueNames],
  description:
    `Images that virtual machines are made of. The catalogue: ${catalogueNames.join(', ')}.\n` +
    "pull fetches the distribution's own cloud image and checks it against the published sums; build makes one from the\n" +
    'packages of this Debian or Ubuntu computer, as root.',
  examples: ['image ls', 'image pull debian-13', 'image build mine --suite trixie --engine', 'image rm mine'],
  flags: [
    {
      name: 'arch',
      kind: 'string',
      takes: ['x86_64', 'aarch64'],
      help: 'x86_64 or aarch64 (default: as this computer)',
    },
    {
      name: 'suite',
      kind: 'string',
      takes: ['bookworm', 'trixie', 'sid'],
      help: "Release to build: bookworm, trixie, sid (default: that of the catalogue's image of this name, otherwise bookworm)",
    },
    {
      name: 'kernel',
      kind: 'string',
      takes: ['cloud', 'full'],
      help: 'Kernel to build with: cloud knows virtio devices alone, full those of VirtualBox too (default: as for --suite, otherwise cloud)',
    },
    { name: 'engine', kind: 'bool', help: 'Build with Docker Engine in it' },
    { name: 'package', kind: 'slice', help: 'Build with this package of the distribution in it' },
  ],
  json: true,
  async run(app, { flags, args }) {
    const [verb = 'ls', ...names] = args;
    if (verb === 'ls') return list(app);
    const [name] = names;
    if (
      !['pull', 'build', 'rm'].includes(verb) ||
      name === undefined ||
      (verb !== 'rm' && names.length > 1)
    ) {
      throw cliError('MM_USAGE', { message: 'Give one of: ls, pull NAME, build NAME, or rm NAME...' });
    }
    if (verb === 'rm') {
      for (const each of names) await remove(app, each, archOf(flags.arch));
      return done;
    }
    const made =
      verb === 'pull'
        ? await pullImage(imageContext(app), name, archOf(flags.arch))
        : await buildImage(imageContext(app), {
            name,
            ...buildSystem(name, { suite: flags.suite || undefined, kernel: kernelOf(flags.kernel) }),
            engine: flags.engine,
            packages: flags.package,
          });
    return value(made, () => `Image ${made.name} (${made.arch}): ${made.path}`);
  },
});

function imageContext(app: App): ImageContext {
  const locks = locksOf(app.deps);
  return { ...app.deps, withLock: (name, what, work) => locks(name, work, { scope: 'cache', what }) };
}

function kernelOf(kernel: string): Kernel | undefined {
  if (kernel === '') return undefined;
  if (kernel === 'cloud' || kernel === 'full') return kernel;
  throw cliError('MM_USAGE', { message: `--kernel wants cloud or full, not "${kernel.slice(0, 40)}"` });
}

function archOf(given: string): Arch {
  const arch = given === '' ? hostArch() : given;
  if (arch === 'x86_64' || arch === 'aarch64') return arch;
  throw cliError('MM_USAGE', {
    message: `--arch wants x86_64 or aarch64, not "${String(arch).slice(0, 40)}"`,
  });
}

async function list(app: App): Promise<Result> {
  const images = await listImages(app.deps.cacheDir);
  const row = (image: CachedImage) => [
    image.name,
    image.arch,
    `${(image.size / 1_048_576).toFixed(0)} MiB`,
    image.created.slice(0, 10),
    image.contents.join(', '),
    image.source,
  ];
  return value(images, () =>
    table([['NAME', 'ARCH', 'SIZE', 'CREATED', 'WITH', 'FROM'], ...images.map(row)]),
  );
}

async function remove(app: App, name: string, arch: Arch): Promise<void> {
  if (!(await removeImage(imageContext(app), name, arch, (path) => machinesOnImage(app.deps, path)))) {
    throw cliError('MM_ARGUMENTS', {
      message: `There is no image "${name.slice(0, 80)}" (${arch}) in the cache`,
      hint: `"${app.program} image ls" lists them.`,
    });
  }
  app.report.info(`Removed the image ${name}`);
}
