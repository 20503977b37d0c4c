import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** One source of packages of this computer's apt. */
export interface AptSource {
  readonly uri: string;
  readonly suites: readonly string[];
  readonly components: readonly string[];
}

/** Where this computer gets its distribution's packages. URIs have no slash at the end. */
export interface AptMirror {
  readonly distribution: 'debian' | 'ubuntu';
  readonly archive: string;
  /** Base of the security suites (`bookworm-security`). Ubuntu has them in the archive. */
  readonly security: string;
  /** This computer's release, such as bookworm; '' on Debian unstable. */
  readonly codename: string;
}

/** sources.list(5), one line a source: `deb [options] uri suite component...`. */
export function parseOneLineSources(text: string): readonly AptSource[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*deb\s+(?:\[[^\]]*\]\s*)?(\S+)\s+(\S+)([^#]*)/.exec(line);
    if (match === null) return [];
    const [, uri = '', suite = '', components = ''] = match;
    return [{ uri, suites: [suite], components: words(components) }];
  });
}

/** sources.list(5), the deb822 form: paragraphs of fields, continued in indented lines. */
export function parseDeb822Sources(text: string): readonly AptSource[] {
  return text.split(/\n\s*\n/).flatMap((paragraph) => {
    const fields = new Map<string, string>();
    let name = '';
    for (const line of paragraph.split('\n')) {
      if (line.startsWith('#')) continue;
      const field = /^([A-Za-z-]+):(.*)$/.exec(line);
      if (field !== null) {
        name = (field[1] ?? '').toLowerCase();
        fields.set(name, (field[2] ?? '').trim());
      } else if (name !== '' && /^\s/.test(line)) {
        fields.set(name, `${fields.get(name) ?? ''} ${line.trim()}`);
      }
    }
    if (!words(fields.get('types') ?? '').includes('deb') || fields.get('enabled')?.toLowerCase() === 'no')
      return [];
    const suites = words(fields.get('suites') ?? '');
    const components = words(fields.get('components') ?? '');
    return words(fields.get('uris') ?? '').map((uri) => ({ uri, suites, components }));
  });
}

/**
 * Finds the distribution's own archive among all sources.
 * It alone offers `main` of a suite and that suite's `-updates`. Otherwise it is the one whose path
 * is the distribution's name.
 */
export function chooseMirror(sources: readonly AptSource[], osRelease: string): AptMirror | undefined {
  const distribution = distributionOf(osRelease);
  if (distribution === undefined) return undefined;
  const candidates = sources.filter(
    ({ uri, components }) => /^(?:https?|file):/.test(uri) && components.includes('main'),
  );
  const offersUpdates = new Set(
    candidates
      .filter(({ suites }) => suites.some((suite) => suite.endsWith('-updates')))
      .map(({ uri }) => bare(uri)),
  );
  const isSecurity = ({ suites }: AptSource) => suites.every((suite) => /-security$|\/updates$/.test(suite));
  const archive =
    candidates.find((source) => offersUpdates.has(bare(source.uri)) && !isSecurity(source)) ??
    candidates.find(({ uri }) => bare(uri).endsWith(`/${distribution}`));
  if (archive === undefined) return undefined;
  const base = bare(archive.uri);
  const security = candidates.find((source) => isSecurity(source));
  return {
    distribution,
    archive: base,
    security:
      security !== undefined
        ? bare(security.uri)
        : distribution === 'debian'
          ? base.replace(/\/debian$/, '/debian-security')
          : base,
    codename: field(osRelease, 'VERSION_CODENAME'),
  };
}

/**
 * The mirror in this computer's apt configuration; undefined without one, or on other systems.
 * @param root reads the files below another root directory, for tests
 */
export async function aptMirror(root = '/'): Promise<AptMirror | undefined> {
  const apt = join(root, 'etc/apt');
  const parts = join(apt, 'sources.list.d');
  const names = await readdir(parts).catch(() => []);
  const texts = await Promise.all(
    [join(apt, 'sources.list'), ...names.sort().map((name) => join(parts, name))].map(async (path) => ({
      path,
      text: await readFile(path, 'utf8').catch(() => ''),
    })),
  );
  const sources = texts.flatMap(({ path, text }) =>
    path.endsWith('.sources')
      ? parseDeb822Sources(text)
      : path.endsWith('.list')
        ? parseOneLineSources(text)
        : [],
  );
  const direct = await Promise.all(sources.map((source) => followMirrorList(source, root)));
  const osRelease = await readFile(join(root, 'etc/os-release'), 'utf8').catch(() => '');
  return chooseMirror(direct, osRelease);
}

/** Takes the first mirror of a `mirror+file:` (apt-transport-mirror(1)), as in Debian's images. */
async function followMirrorList(source: AptSource, root: string): Promise<AptSource> {
  const match = /^mirror\+file:(?:\/\/)?(\/.*)$/.exec(source.uri);
  if (match === null) return source;
  const list = await readFile(join(root, match[1] ?? ''), 'utf8').catch(() => '');
  const first = list.split('\n').map((line) => line.trim().split(/\s/)[0] ?? '');
  return { ...source, uri: first.find((uri) => /^https?:/.test(uri)) ?? source.uri };
}

function distributionOf(osRelease: string): AptMirror['distribution'] | undefined {
  const ids = [field(osRelease, 'ID'), ...words(field(osRelease, 'ID_LIKE'))];
  return ids.find((id): id is AptMirror['distribution'] => id === 'debian' || id === 'ubuntu');
}

function field(osRelease: string, key: string): string {
  return new RegExp(`^${key}="?([^"\\n]*)"?$`, 'm').exec(osRelease)?.[1] ?? '';
}

function words(text: string): readonly string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

function bare(uri: string): string {
  return uri.replace(/\/+$/, '');
}
