import type { JsonObject } from '../../base/json.ts';
import { isObject } from '../../base/json.ts';

/** A parsed JSON object, or where the text stops being one. Lines and columns count from 1. */
export type JsonText =
  | { readonly ok: true; readonly value: JsonObject }
  | { readonly ok: false; readonly line: number; readonly column: number; readonly why: string };

/** Parses a file that must hold one JSON object. Blank text is an empty object, as dockerd has it. A leading byte order mark is passed over. */
export function parseJsonObject(source: string): JsonText {
  const text = source.replace(/^\ufeff/, '');
  if (text.trim() === '') return { ok: true, value: {} };
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return { ok: true, value: value as JsonObject };
    return { ok: false, line: 1, column: 1, why: 'an object in braces is expected' };
  } catch {
    // V8's messages only sometimes hold a position, so the text is scanned again for it.
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

/** Offset of the first character at which `text` cannot be JSON any more; its length when it only ends too early. */
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
