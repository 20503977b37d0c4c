/** What stands between % and the verb, and the verb. */
export interface Directive {
  readonly verb: string;
  readonly minus: boolean;
  readonly plus: boolean;
  readonly sharp: boolean;
  readonly space: boolean;
  /** Fill with zeros instead of blanks. */
  readonly zero: boolean;
  /** %#v: as Go's source would write it. */
  readonly goSyntax: boolean;
  readonly width: number;
  readonly precision: number | undefined;
}

export const plainDirective: Directive = {
  verb: 'v',
  minus: false,
  plus: false,
  sharp: false,
  space: false,
  zero: false,
  goSyntax: false,
  width: 0,
  precision: undefined,
};

/** Filled up to the width, which counts characters. */
export function padded(text: string, { width, minus, zero }: Directive): string {
  const missing = width - [...text].length;
  if (missing <= 0) return text;
  return minus ? text + ' '.repeat(missing) : (zero ? '0' : ' ').repeat(missing) + text;
}
