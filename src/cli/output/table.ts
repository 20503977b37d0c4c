import { printable } from '../../base/printable.ts';
import { breakAt, displayWidth, wrap } from './wrap.ts';

/** Between two columns, as docker-machine's tabwriter (padding 3). */
const gap = '   ';
/** A column is never narrower than 5 with its gap. */
const minContent = 2;
/** Words are broken in no column narrower than this. */
const narrowest = 12;
/** The last column has this much room for several words, or stands below the rows. */
const readable = 24;

type Rows = readonly (readonly string[])[];

/**
 * Left-aligned columns in docker-machine's layout; the first row is the header.
 * A narrower terminal (`columns`) cuts nothing off: columns that hold nothing are left out, the
 * widest wrap between words, and if that is not enough, the last stands below each row.
 * Wide characters count as two. Cells are made printable; blanks at a line's end are dropped.
 */
export async function table(rows: Rows, columns = Number.POSITIVE_INFINITY): Promise<string> {
  if (rows.length === 0) return '';
  const cells = rows.map((row) => row.map((cell) => printable(cell).trimEnd().padEnd(minContent)));
  if (total(widths(cells)) <= columns) return (await layOut(cells)).join('');
  const filled = withoutEmpty(cells);
  const least = widths(filled, longestWord);
  const last = Math.max(least.pop() ?? 0, Math.min(widths(filled).at(-1) ?? 0, readable));
  if (total([...least, last]) <= columns)
    return (await layOut(fitted(filled, [...least, last], columns))).join('');
  const upper = filled.map((row) => row.slice(0, -1));
  const smallest = total(least) <= columns ? least : least.map((width) => Math.min(width, narrowest));
  const lines = await layOut(fitted(upper, smallest, columns));
  const below = (text = '') =>
    wrap(text.trim(), columns - gap.length).map((line) => `${gap}${line}`.trimEnd());
  return lines
    .flatMap((line, at) => [
      line,
      ...below(filled[at]?.at(-1)).map((each) => (each === '' ? '' : `${each}\n`)),
    ])
    .join('');
}

/** Widths of columns, each the greatest of its cells. */
function widths(rows: Rows, measure: (cell: string) => number = displayWidth): number[] {
  return (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => measure(row[at] ?? ''))));
}

const longestWord = (cell: string) =>
  Math.max(minContent, ...cell.split(/\s+/).map((word) => displayWidth(word)));

const total = (each: readonly number[]) => each.reduce((sum, width) => sum + width + gap.length, -gap.length);

/** Without the columns that are empty but for their header. The first stays. */
function withoutEmpty(rows: Rows): Rows {
  const kept = (rows[0] ?? []).map(
    (_, at) => at === 0 || rows.slice(1).some((row) => row[at]?.trim() !== ''),
  );
  return rows.map((row) => row.filter((_, at) => kept[at] === true));
}

/** Cells with line breaks. The widest columns give way, down to their least widths. */
function fitted(rows: Rows, least: readonly number[], columns: number): Rows {
  const each = widths(rows);
  for (let excess = total(each) - columns; excess > 0; excess--) {
    const widest = Math.max(...each.filter((width, at) => width > (least[at] ?? 0)));
    if (!Number.isFinite(widest)) break;
    each[each.findIndex((width, at) => width === widest && width > (least[at] ?? 0))] = widest - 1;
  }
  return rows.map((row) => row.map((cell, at) => breakAt(cell.trim(), each[at] ?? 0).join('\n')));
}

/** Each row with the newline that ends it, and those within it. */
async function layOut(rows: Rows): Promise<string[]> {
  const { default: Table } = await import('cli-table3');
  const borders = ['top', 'bottom', 'left', 'right', 'mid'].flatMap((side) => [side, `${side}-mid`]);
  const corners = ['top-left', 'top-right', 'bottom-left', 'bottom-right'];
  const grid = new Table({
    chars: { ...Object.fromEntries([...borders, ...corners].map((name) => [name, ''])), middle: gap },
    // Its defaults colour the header and the borders, into a pipe too.
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 0 },
  });
  grid.push(...rows.map((row) => [...row]));
  const lines = grid.toString().split('\n');
  return rows.map((row) => {
    const height = Math.max(1, ...row.map((cell) => cell.split('\n').length));
    const own = lines.splice(0, height).map((line) => `${line.trimEnd()}\n`);
    return own.join('');
  });
}

/** The same layout for text whose cells are separated by tabs, as a `table` format makes it. */
export function alignTabs(text: string): Promise<string> {
  const lines = text.replace(/\n$/, '').split('\n');
  const rows = lines.map((line) => line.split('\t'));
  const width = Math.max(...rows.map((row) => row.length));
  return table(rows.map((row) => [...row, ...new Array<string>(width - row.length).fill('')]));
}
