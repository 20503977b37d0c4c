import { canBackquote, goQuote } from '../quote.ts';
import { type Directive, padded } from './directive.ts';

/** A string by one of the verbs %v %s %q %x %X; undefined by another one. */
export function formatText(text: string, directive: Directive): string | undefined {
  const { verb, precision, goSyntax } = directive;
  if (verb === 'x' || verb === 'X') return padded(hex(Buffer.from(text), directive), { ...directive });
  const cut = precision === undefined ? text : [...text].slice(0, precision).join('');
  if (verb === 'q' || (verb === 'v' && goSyntax)) return padded(quoted(cut, directive), directive);
  return verb === 's' || verb === 'v' ? padded(cut, directive) : undefined;
}

function quoted(text: string, { sharp, plus }: Directive): string {
  return sharp && canBackquote(text) ? `\`${text}\`` : goQuote(text, plus);
}

function hex(bytes: Buffer, { verb, sharp, space, precision }: Directive): string {
  const pairs = [...bytes.subarray(0, precision)].map((byte) => byte.toString(16).padStart(2, '0'));
  if (pairs.length === 0) return '';
  const each = space ? pairs.map((pair) => (sharp ? `0x${pair}` : pair)).join(' ') : pairs.join('');
  const text = sharp && !space ? `0x${each}` : each;
  return verb === 'X' ? text.toUpperCase() : text;
}
