import { buildImage } from '../../../images/build.ts';
import { type CachedImage, type ImageContext, listImages, removeImage } from '../../../images/cache.ts';
import {
  type Arch,
  buildSystem,
  catalogueImage,
  catalogueNames,
  hostArch,
  type Kernel,
} from '../../../images/catalogue.ts';
import { pullImage } from '../../../images/pull.ts';
import { machinesOnImage } from '../../../machine/load.ts';
import { locksOf } from '../../../machine/locks.ts';
import type { DriverImages } from '../../../sdk/driver.ts';
import type { App } from '../../app.ts';
import type { CommandFlag } from '../../args/parse.ts';
import { defineCommand, done, type Result, value } from '../../command.ts';
import { cliError } from '../../errors.ts';
import { table } from '../../output/table.ts';

/** The options that each verb heeds. */
const OPTIONS: Readonly<Record<string, readonly string[]>> = {
  pull: ['arch'],
  build: ['suite', 'kernel', 'engine', 'package'],
  rm: ['arch'],
};

const imageFlags = [
  { name: 'all', kind: 'bool', help: 'Show with ls what the catalogue has beside' },
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
] as const satisfies readonly CommandFlag[];

export const command = defineCommand({
  argument: 'ls | pull NAME | build NAME | rm NAME...',
  takes: [['ls', 'pull', 'build', 'rm'], catalogueNames],
  description:
    `Images that virtual machines are made of. The catalogue: ${catalogueNames.join(', ')}.\n` +
    "pull fetches the distribution's own cloud image and checks it against the published sums; build makes one from the\n" +
    'packages of this Debian or Ubuntu computer, as root.',
  examples: [
    'image ls',
    'image ls --all',
    'image pull debian-13',
    'image build mine --suite trixie --engine',
    'image rm mine',
  ],
  flags: imageFlags,
  json: true,
  async run(app, { flags, args, isTyped }) {
    const [verb = 'ls', ...names] = args;
    if (verb === 'ls') {
      if (names.length > 0)
        throw cliError('MM_USAGE', { message: `"image ls" takes no name, but ${names.length} came` });
      return list(app, flags.all);
    }
    const [name] = names;
    if (
      !['pull', 'build', 'rm'].includes(verb) ||
      name === undefined ||
      (verb !== 'rm' && names.length > 1)
    ) {
      throw cliError('MM_USAGE', { message: 'Give one of: ls, pull NAME, build NAME, or rm NAME...' });
    }
    const own = OPTIONS[verb] ?? [];
    const surplus = imageFlags.find((flag) => isTyped(flag.name) && !own.includes(flag.name));
    if (surplus !== undefined)
      throw cliError('MM_USAGE', { message: `--${surplus.name} is no option of "image ${verb}"` });
    if (verb === 'rm') {
      for (const each of new Set(names)) await remove(app, each, archOf(flags.arch));
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

interface CatalogueEntry {
  readonly name: string;
  readonly arch: Arch;
  readonly source: string;
  readonly size?: undefined;
}

async function list(app: App, all: boolean): Promise<Result> {
  const context = imageContext(app);
  const ofDrivers = (await driverImages(app)).map(([, images]) => images.list(context));
  const images = [...(await listImages(app.deps.cacheDir)), ...(await Promise.all(ofDrivers)).flat()];
  const rows = [...images, ...(all ? missing(images) : [])];
  const row = (image: CachedImage | CatalogueEntry) =>
    image.size === undefined
      ? [image.name, image.arch, 'not here', '', '', image.source]
      : [
          image.name,
          image.arch,
          `${(image.size / 1_048_576).toFixed(0)} MiB`,
          image.created.slice(0, 10),
          image.contents.join(', '),
          image.source,
        ];
  return value(rows, () =>
    table([['NAME', 'ARCH', 'SIZE', 'CREATED', 'WITH', 'FROM'], ...rows.map(row)], app.io.stdout.columns),
  );
}

/** What the catalogue has for this computer's processor, and the cache has not. */
function missing(images: readonly CachedImage[]): readonly CatalogueEntry[] {
  const arch = hostArch();
  if (arch === undefined) return [];
  return catalogueNames
    .filter((name) => !images.some((image) => image.name === name && image.arch === arch))
    .map((name) => ({ name, arch, source: catalogueImage(name, arch)?.url ?? '' }));
}

async function driverImages(app: App): Promise<readonly (readonly [string, DriverImages])[]> {
  const drivers = await Promise.all(app.drivers.names.map((name) => app.drivers.load(name)));
  return drivers.flatMap(({ name, images }) => (images === undefined ? [] : [[name, images] as const]));
}

async function remove(app: App, name: string, arch: Arch): Promise<void> {
  const usersOf = (path: string) => machinesOnImage(app.deps, path);
  const owner = (await driverImages(app)).find(([driver]) => name.startsWith(`${driver}/`));
  const wasThere =
    owner === undefined
      ? await removeImage(imageContext(app), name, arch, usersOf)
      : await owner[1].remove(imageContext(app), name.slice(owner[0].length + 1), usersOf);
  if (!wasThere) {
    const which = owner === undefined ? ` (${arch})` : '';
    throw cliError('MM_ARGUMENTS', {
      message: `There is no image "${name.slice(0, 80)}"${which} in the cache`,
      hint: `"${app.program} image ls" lists them.`,
    });
  }
  app.report.info(`Removed the image ${name}`);
}
