import type { CommandFlag } from '../args/spec.ts';

/** What stands for the value of an option: `FILE`, `N`; '' for a switch. */
function valueWord({ kind, takes }: CommandFlag): string {
  if (kind === 'bool') return '';
  if (kind === 'int') return 'N';
  return typeof takes === 'string' ? takes.toUpperCase() : 'VALUE';
}

/** How the option is typed, each way by itself: `--driver` with `DRIVER`. */
export function optionForms(
  flag: CommandFlag,
): readonly { readonly dashed: string; readonly value: string }[] {
  const value = valueWord(flag);
  const long = flag.name.length === 1 ? `-${flag.name}` : `--${flag.name}`;
  const all = flag.short === undefined ? [long] : [long, `-${flag.short}`];
  return all.map((dashed) => ({ dashed, value }));
}

/** The default as it would be typed; undefined where there is none worth a word. */
export function defaultText(flag: CommandFlag): string | undefined {
  const value = flag.default;
  if (value === undefined || value === '' || value === false) return undefined;
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.join(',');
  return String(value);
}
