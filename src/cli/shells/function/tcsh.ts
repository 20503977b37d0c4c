import { tcsh } from '../syntaxes.ts';
import { type FunctionWish, identifier } from './wish.ts';

/**
 * tcsh has no functions, and an alias takes one line in which `if` cannot stand around what may
 * fail: so the number of the line to run is reckoned. It always asks the program.
 */
export function tcshFunction(wish: FunctionWish): readonly string[] {
  const id = identifier(wish.name);
  const program = wish.argv.map((word) => tcsh.quote(word)).join(' ');
  const steps = [
    `${program} $${id}_argv:q`,
    `eval \`${program} env --shell tcsh $${id}_argv[2-]:q\``,
    program,
  ];
  const alias = [
    `set ${id}_argv = (\\!*)`,
    `set ${id}_first = (\\!* "")`,
    `@ ${id}_step = 1 + ("$${id}_first[1]:q" == use) + 2 * ($#${id}_argv == 0)`,
    `eval "$${id}_steps[$${id}_step]:q"`,
  ].join('; ');
  return [`set ${id}_steps = (${steps.map(tcsh.quote).join(' ')});`, `alias ${wish.name} '${alias}';`];
}
