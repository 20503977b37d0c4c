import { printable } from '../../base/printable.ts';

/** Between two columns, as docker-machine's tabwriter (padding 3). */
const gap = '   ';
/** A column is never narrower than 5 with its gap. */
const minContent = 2;
/** No column is made narrower than this for a terminal. */
const narrowest = 12;

/**
 * Left-aligned columns in docker-machine's layout; the first row is the header.
 * At the width of a terminal (`columns`) the widest columns wrap. Wide characters count as two.
 * Cells are made printable; blanks at a line's end are dropped.
 */
export async function table(rows: readonly (readonly string[])[], columns?: number): Promise<string> {
  if (rows.length === 0) return '';
  const { default: Table } = await import('cli-table3');
  const borders = ['top', 'bottom', 'left', 'right', 'mid'].flatMap((side) => [side, `${side}-mid`]);
  const corners = ['top-left', 'top-right', 'bottom-left', 'bottom-right'];
  const cells = rows.map((row) => row.map((cell) => printable(cell).trimEnd().padEnd(minContent)));
  const grid = new Table({
    ...(columns === undefined ? {} : { colWidths: fitted(cells, columns), wordWrap: true }),
    chars: { ...Object.fromEntries([...borders, ...corners].map((name) => [name, ''])), middle: gap },
    // Its defaults colour the header and the borders, into a pipe too.
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 0 },
  });
  grid.push(...cells);
  const lines = grid.toString().split('\n');
  return lines.map((line) => `${line.trimEnd()}\n`).join('');
}

/** Widths of the columns that must be narrower to fit; null for those that stay as they are. */
function fitted(rows: readonly (readonly string[])[], columns: number): (number | null)[] {
  const natural = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  const widths = [...natural];
  let excess = widths.reduce((sum, width) => sum + width + gap.length, -gap.length) - columns;
  for (; excess > 0; excess--) {
    const widest = Math.max(...widths);
    if (widest <= narrowest) break;
    widths[widths.indexOf(widest)] = widest - 1;
  }
  return widths.map((width, at) => (width === natural[at] ? null : width));
}

/** The same layout for text whose cells are separated by tabs, as a `table` format makes it. */
export function alignTabs(text: string): Promise<string> {
  const lines = text.replace(/\n$/, '').split('\n');
  const rows = lines.map((line) => line.split('\t'));
  const width = Math.max(...rows.map((row) => row.length));
  return table(rows.map((row) => [...row, ...new Array<string>(width - row.length).fill('')]));
}
