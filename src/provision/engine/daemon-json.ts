import { isDeepStrictEqual } from 'node:util';
import { isObject, type Json, type JsonObject } from '../../base/json.ts';
import { printable } from '../../base/printable.ts';
import { provisionError } from '../errors.ts';

export const daemonJsonPath = '/etc/docker/daemon.json';

/** No file is {}. @throws MM_ENGINE_CONFIG_SYNTAX with the place of the fault */
export function parseDaemonJson(text: string | undefined): JsonObject {
  const parsed = parseJsonObject(text ?? '');
  if (parsed.ok) return parsed.value;
  throw provisionError('MM_ENGINE_CONFIG_SYNTAX', {
    message: `The host's ${daemonJsonPath} is not valid JSON: line ${parsed.line}, column ${parsed.column}: ${printable(parsed.why, 200)}. Nothing was changed.`,
    hint: `Correct ${daemonJsonPath} on the host (\`python3 -m json.tool ${daemonJsonPath}\` shows the place), then run the command again.`,
  });
}

/** As a file, in the indentation that the old text has. */
export function daemonJsonText(config: JsonObject, oldText: string | undefined): string {
  const indent = /\n([ \t]+)"/.exec(oldText ?? '')?.[1] ?? '  ';
  return `${JSON.stringify(config, null, indent)}\n`;
}

/** A parsed JSON object, or where the text stops being one. Lines and columns count from 1. */
type JsonText =
  | { readonly ok: true; readonly value: JsonObject }
  | { readonly ok: false; readonly line: number; readonly column: number; readonly why: string };

/** Parses a file of one JSON object. Blank text is an empty one, as for dockerd. Skips a BOM. */
export function parseJsonObject(source: string): JsonText {
  const text = source.replace(/^\ufeff/, '');
  if (text.trim() === '') return { ok: true, value: {} };
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return { ok: true, value: value as JsonObject };
    return { ok: false, line: 1, column: 1, why: 'an object in braces is expected' };
  } catch {
    // Only some of V8's messages hold a position, so the text is scanned again for it.
    const offset = faultAt(text);
    const before = text.slice(0, offset).split('\n');
    const found = text[offset];
    return {
      ok: false,
      line: before.length,
      column: (before.at(-1)?.length ?? 0) + 1,
      why: found === undefined ? 'the text ends too early' : `${JSON.stringify(found)} is not expected here`,
    };
  }
}

const tokens = {
  blank: /[ \t\r\n]*/y,
  string: /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y,
  scalar: /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.+-])/y,
} as const;

/** Where `text` stops being JSON: an offset, or the text's length when it ends too early. */
function faultAt(text: string): number {
  let at = 0;
  const take = (pattern: RegExp): boolean => {
    const sticky = new RegExp(pattern.source, 'y');
    sticky.lastIndex = at;
    if (!sticky.test(text)) return false;
    at = sticky.lastIndex;
    return true;
  };
  const blank = () => take(tokens.blank);
  const character = (wanted: string) => {
    blank();
    if (text[at] !== wanted) return false;
    at++;
    return true;
  };
  const items = (close: string, item: () => boolean): boolean => {
    at++;
    if (character(close)) return true;
    do if (!item()) return false;
    while (character(','));
    return character(close);
  };
  const value = (): boolean => {
    blank();
    if (text[at] === '{')
      return items('}', () => blank() && take(tokens.string) && character(':') && value());
    if (text[at] === '[') return items(']', value);
    return take(tokens.string) || take(tokens.scalar);
  };
  if (value()) blank();
  return at;
}

/** What we put into a daemon.json. It can be taken out without touching what others put in. */
export interface OwnedConfig {
  readonly scalars: JsonObject;
  readonly lists: Readonly<Record<string, { readonly entries: readonly Json[]; readonly created: boolean }>>;
  readonly maps: Readonly<Record<string, { readonly entries: JsonObject; readonly created: boolean }>>;
}

export const nothingOwned: OwnedConfig = { scalars: {}, lists: {}, maps: {} };

/** A setting we want. */
export type Wanted =
  | { readonly kind: 'scalar'; readonly value: Json }
  | { readonly kind: 'list'; readonly entries: readonly Json[] }
  | { readonly kind: 'map'; readonly entries: JsonObject };

export interface Conflict {
  /** A key of daemon.json. */
  readonly key: string;
  /** Where the other value stands and what it is. */
  readonly why: string;
}

/** The configuration without what is ours. A value that somebody changed is theirs and stays. */
export function takeBack(current: JsonObject, owned: OwnedConfig): JsonObject {
  const kept = new Map<string, Json>(Object.entries(current));
  for (const [key, value] of Object.entries(owned.scalars)) {
    if (isDeepStrictEqual(kept.get(key), value)) kept.delete(key);
  }
  for (const [key, { entries, created }] of Object.entries(owned.lists)) {
    const list = kept.get(key);
    if (!Array.isArray(list)) continue;
    const rest = [...(list as readonly Json[])];
    for (const entry of entries) {
      const at = rest.findLastIndex((one) => isDeepStrictEqual(one, entry));
      if (at >= 0) rest.splice(at, 1);
    }
    if (rest.length === 0 && created) kept.delete(key);
    else kept.set(key, rest);
  }
  for (const [key, { entries, created }] of Object.entries(owned.maps)) {
    const map = kept.get(key);
    if (!isObject(map)) continue;
    const rest = Object.entries(map as JsonObject).filter(
      ([name, value]) => !(Object.hasOwn(entries, name) && isDeepStrictEqual(entries[name], value)),
    );
    if (rest.length === 0 && created) kept.delete(key);
    else kept.set(key, Object.fromEntries(rest));
  }
  return Object.fromEntries(kept);
}

/** Adds what we want to a configuration that has nothing of ours. Conflicts change nothing. */
export function addWanted(
  base: JsonObject,
  wanted: ReadonlyMap<string, Wanted>,
): { readonly config: JsonObject; readonly conflicts: readonly Conflict[] } {
  const config = new Map<string, Json>(Object.entries(base));
  const conflicts: Conflict[] = [];
  const conflict = (key: string, value: Json | undefined) =>
    conflicts.push({ key, why: `is ${JSON.stringify(value)} there` });
  for (const [key, want] of wanted) {
    const there = config.get(key);
    if (want.kind === 'scalar') {
      if (there === undefined) config.set(key, want.value);
      else if (!isDeepStrictEqual(there, want.value)) conflict(key, there);
    } else if (want.kind === 'list') {
      const list: readonly Json[] = Array.isArray(there) ? there : [];
      const missing = want.entries.filter((entry) => !list.some((one) => isDeepStrictEqual(one, entry)));
      if (there !== undefined && !Array.isArray(there)) conflict(key, there);
      else if (missing.length > 0) config.set(key, [...list, ...new Set(missing)]);
    } else {
      if (there !== undefined && !isObject(there)) conflict(key, there);
      else {
        const map: JsonObject = isObject(there) ? (there as JsonObject) : {};
        for (const [name, value] of Object.entries(want.entries)) {
          if (Object.hasOwn(map, name) && !isDeepStrictEqual(map[name], value))
            conflict(`${key}.${name}`, map[name]);
        }
        if (Object.keys(want.entries).length > 0)
          config.set(key, Object.fromEntries([...Object.entries(want.entries), ...Object.entries(map)]));
      }
    }
  }
  return { config: Object.fromEntries(config), conflicts };
}

/** What `config` has beyond `base`, as ours. */
export function ownedBeyond(base: JsonObject, config: JsonObject): OwnedConfig {
  const scalars: [string, Json][] = [];
  const lists: [string, { entries: readonly Json[]; created: boolean }][] = [];
  const maps: [string, { entries: JsonObject; created: boolean }][] = [];
  for (const [key, value] of Object.entries(config)) {
    const before = Object.hasOwn(base, key) ? base[key] : undefined;
    if (Array.isArray(value) && (before === undefined || Array.isArray(before))) {
      const rest: Json[] = [...((before as readonly Json[] | undefined) ?? [])];
      const entries = (value as readonly Json[]).filter((entry) => {
        const at = rest.findIndex((one) => isDeepStrictEqual(one, entry));
        if (at >= 0) rest.splice(at, 1);
        return at < 0;
      });
      if (entries.length > 0 || before === undefined)
        lists.push([key, { entries, created: before === undefined }]);
    } else if (isObject(value) && (before === undefined || isObject(before))) {
      const known: JsonObject = (before as JsonObject | undefined) ?? {};
      const entries = Object.entries(value as JsonObject).filter(([name]) => !Object.hasOwn(known, name));
      if (entries.length > 0 || before === undefined)
        maps.push([key, { entries: Object.fromEntries(entries), created: before === undefined }]);
    } else if (before === undefined) scalars.push([key, value]);
  }
  return {
    scalars: Object.fromEntries(scalars),
    lists: Object.fromEntries(lists),
    maps: Object.fromEntries(maps),
  };
}

/** Keys whose values differ. */
export function changedKeys(before: JsonObject, after: JsonObject): readonly string[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].filter((key) => !isDeepStrictEqual(before[key], after[key]));
}
