import { isPrint } from '../quote.ts';
import { StringList } from '../value.ts';

/** Go maps each character by itself, and keeps one that would become several. */
const mapped = (text: string, map: (character: string) => string) =>
  [...text]
    .map((character) => {
      const other = map(character);
      return [...other].length === 1 ? other : character;
    })
    .join('');

/** strings.ToLower. */
export const lowered = (text: string) =>
  mapped(text, (character) => (character === 'İ' ? 'i' : character.toLowerCase()));

/** strings.ToUpper. */
export const uppered = (text: string) => mapped(text, (character) => character.toUpperCase());

/** strings.Title: the first letter of each word, by Go's old rule of where words begin. */
export const titled = (text: string) =>
  text.replace(/(?<=^|[\x00-/:-@[-^`{-\x7f]|\s)\p{L}/gu, (letter) => uppered(letter));

/** strings.Split. An empty separator splits into characters. */
export function split(text: string, separator: string): StringList {
  return StringList.from(separator === '' ? [...text] : text.split(separator)) as StringList;
}

const htmlEscapes: Readonly<Record<string, string>> = {
  '\0': '\ufffd',
  '"': '&#34;',
  "'": '&#39;',
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
};

/** As Go's HTMLEscapeString. */
export function htmlEscape(text: string): string {
  return text.replace(/[\0"'&<>]/g, (character) => htmlEscapes[character] ?? character);
}

const hex = (code: number, digits: number) => code.toString(16).toUpperCase().padStart(digits, '0');

/** As Go's JSEscapeString: safe between quotes in a script. */
export function jsEscape(text: string): string {
  return text
    .replace(/[\\'"]/g, '\\$&')
    .replace(/[\u0000-\u001f<>&=]|[^\u0000-\u007f]/gu, (character) =>
      character > '\u007f' && isPrint(character) ? character : `\\u${hex(character.codePointAt(0) ?? 0, 4)}`,
    );
}

/** As Go's url.QueryEscape. */
export function urlEscape(text: string): string {
  const sound = text.replace(
    /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g,
    '\ufffd',
  );
  return encodeURIComponent(sound)
    .replace(/[!'()*]/g, (character) => `%${hex(character.charCodeAt(0), 2)}`)
    .replaceAll('%20', '+');
}
