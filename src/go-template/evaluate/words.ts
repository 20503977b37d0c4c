import { StringList } from '../value.ts';

/** Go maps character by character, and leaves alone what would become several. */
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

/** strings.Title: the first letter of each word, where Go's old rule says that a word begins. */
export const titled = (text: string) =>
  text.replace(/(?<=^|[\x00-/:-@[-^`{-\x7f]|\s)\p{L}/gu, (letter) => uppered(letter));

/** strings.Split: by nothing into characters. */
export function split(text: string, separator: string): StringList {
  return StringList.from(separator === '' ? [...text] : text.split(separator)) as StringList;
}
