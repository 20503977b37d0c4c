import { describe, expect, it } from 'vitest';
import { compileTemplate, renderTemplate } from '../../../src/go-template/render.ts';
import { dataOf, expected, made, readCorpus } from '../../compat/templates/corpus.ts';
import { failing } from './failing.ts';

const corpus = readCorpus();

describe('a template', () => {
  it('makes what Go makes of it, or fails with its words at its place', () => {
    expect(corpus.cases.length).toBeGreaterThan(900);
    for (const one of corpus.cases)
      expect(made(one.template, dataOf(corpus, one)), one.template).toEqual(expected(one));
  });

  it('differs from Go only where there is a reason, and does', () => {
    for (const { template, ours, why, output, error } of corpus.cases) {
      expect(why === undefined, template).toBe(ours === undefined);
      if (ours !== undefined) expect(ours, template).not.toEqual(output ?? { error });
    }
  });

  it('names what is wrong', () => {
    expect(failing('a\n{{.Name}').message).toBe(
      "template parsing error: template: :2:2: bad character U+007D '}'",
    );
    expect(failing('{{.Name}').exitCode).toBe(1);
    expect(failing('{{.Name.Foo}}').message).toBe(
      'template: :1:7: executing "" at <.Name.Foo>: can\'t evaluate field Foo in type interface {}',
    );
    expect(failing('{{nme .}}').message).toContain('function "nme" not defined');
    expect(failing('{{"\u001b[31m"}').message).not.toContain('\u001b');
    expect(failing(`{{index .List ${'0 '.repeat(500)}}}`).message).toContain('...>: error calling index');
  });

  it('takes the pairs \\t and \\n for tab and newline, in its text', () => {
    expect(renderTemplate('{{.A}}\\t{{.B}}\\n', { A: 1, B: 2 })).toBe('1\t2\n');
  });

  it('says when a struct lacks a field, as in ls', () => {
    const row = compileTemplate('{{.Nme}}', { struct: 'commands.HostListItem' });
    expect(() => row({ Name: 'h' })).toThrow("can't evaluate field Nme in type commands.HostListItem");
    expect(compileTemplate('{{.Opts.Nme}}', { struct: 'X' })({ Opts: {} })).toBe('<no value>');
  });

  it('prints ints as ints and whole numbers of JSON with %d', () => {
    expect(renderTemplate('{{.N}} {{printf "%d %04d" .N .P}}', { N: 12345678n, P: 22 })).toBe(
      '12345678 12345678 0022',
    );
    expect(renderTemplate('{{if gt .P 21}}{{eq .P .Q}}{{end}}', { P: 22, Q: 22n })).toBe('true');
  });
});
