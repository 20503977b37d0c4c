import { isObject, type JsonObject } from '../../base/json.ts';
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
export type JsonText =
  | { readonly ok: true; readonly value: JsonObject }
  | { readonly ok: false; readonly line: number; readonly column: number; readonly why: string };

/**
 * Parses a file that must hold one JSON object. Blank text is an empty object, as dockerd has it.
 * A byte order mark at the beginning is passed over.
 */
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
