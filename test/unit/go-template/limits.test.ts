import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isMachineError } from '../../../src/base/machine-error.ts';
import { renderTemplate } from '../../../src/go-template/render.ts';
import { failing, kinds } from './failing.ts';

describe('a template cannot', () => {
  it('see anything but own keys of data', () => {
    class Secret {
      shown = 'shown';
      get hidden() {
        return 'hidden';
      }
      method() {
        return 'called';
      }
    }
    const data = { o: new Secret(), f: () => 'called', l: ['x'], s: 'x', j: { toJSON: () => 'called' } };
    expect(renderTemplate('{{.o.shown}} {{.o.hidden}} {{.o.method}} {{.f}} {{.constructor}}', data)).toBe(
      'shown <no value> <no value> <no value> <no value>',
    );
    expect(renderTemplate('{{.__proto__}} {{index . "__proto__"}} {{index . "toString"}}', data)).toBe(
      '<no value> <no value> <no value>',
    );
    expect(renderTemplate('{{json .j}} {{json .f}}', data)).toBe('{} null');
    for (const template of [
      '{{.l.length}}',
      '{{.s.length}}',
      '{{index .l "length"}}',
      '{{index .l "__proto__"}}',
    ]) {
      failing(template, data);
    }
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(renderTemplate('{{json .}}', JSON.parse('{"__proto__":{"polluted":1}}'))).toBe(
      '{"__proto__":{"polluted":1}}',
    );
  });

  it('run without end', { timeout: 60_000 }, () => {
    const data = { L: Array.from({ length: 2000 }, (_, at) => at) };
    const nested = `${'{{range $.L}}'.repeat(8)}${'{{end}}'.repeat(8)}`;
    const growing = '{{$x := "ab"}}{{range .L}}{{$x = print $x $x}}{{end}}';
    const wide = '{{range .L}}{{printf "%9999999s" "x"}}{{end}}';
    const calling = '{{define "t"}}{{range $.L}}{{.}}{{end}}{{end}}{{range .L}}{{template "t" $}}{{end}}';
    const doubling =
      '{{define "t"}}{{template "u"}}{{template "u"}}{{end}}{{define "u"}}{{template "t"}}{{end}}';
    expect(failing(`${doubling}{{template "t"}}`).message).toContain('exceeded maximum template depth');
    for (const template of [nested, growing, wide, calling, '{{range .L}}{{json $}}{{end}}'])
      expect(failing(template, data).message).toContain('without bounds');
  });

  it('nest without end', () => {
    for (const [open, close] of [
      ['{{if 1}}', '{{end}}'],
      ['{{with 1}}', '{{end}}'],
    ] as const) {
      expect(failing(open.repeat(5000) + close.repeat(5000)).message).toContain('nested more than');
    }
    expect(failing(`{{${'('.repeat(5000)}1${')'.repeat(5000)}}}`).message).toContain('nested more than');
    expect(failing('x'.repeat(300_000)).message).toContain('longer than');
    expect(failing('{{define "t"}}{{template "t" .}}{{end}}{{template "t" .}}').message).toContain(
      'executing "t" at <{{template "t" .}}>: exceeded maximum template depth',
    );
    const walls = `${'{{if 1}}'.repeat(90)}{{template "t"}}${'{{end}}'.repeat(90)}`;
    expect(failing(`{{define "t"}}${walls}{{end}}{{template "t"}}`).message).toContain('exceeded maximum');
    let deep: unknown = 'x';
    for (let level = 0; level < 5000; level++) deep = [deep];
    for (const template of ['{{.}}', '{{json .}}', '{{prettyjson .}}', '{{print .}}', '{{printf "%v" .}}']) {
      expect(failing(template, deep).message).toContain('nested too deep');
    }
  });

  it('crash the program, whatever it is', { timeout: 60_000 }, () => {
    const piece = fc.constantFrom(
      ...[
        '{{',
        '}}',
        '{{- ',
        ' -}}',
        '.',
        '.Name',
        '.Map',
        '.List',
        '.Nil',
        '$',
        '$x',
        ':=',
        '=',
        '|',
        '(',
        ')',
        ' ',
        ',',
      ],
      ...[
        'if',
        'else',
        'end',
        'range',
        'with',
        'and',
        'or',
        'not',
        'eq',
        'lt',
        'len',
        'index',
        'print',
        'printf',
        'json',
        'slice',
        'break',
        'continue',
        'template "t"',
        'block "t"',
      ],
      ...[
        '"a"',
        '"%d %5.2f %v"',
        '`r`',
        "'c'",
        '0',
        '-1',
        '1.5',
        '0x1F',
        'true',
        'nil',
        '/*',
        '*/',
        '\n',
        'text',
        '\\t',
        '"',
      ],
      ...[
        'split',
        'join',
        'title',
        'html',
        'js',
        'urlquery',
        '{{end}}',
        '{{else}}',
        '{{if .Yes}}',
        '{{range .Mixed}}',
        '{{.}}',
        '{{define "t"}}',
        '{{template "t" .}}',
      ],
    );
    const soup = fc.array(piece, { maxLength: 25 }).map((pieces) => pieces.join(''));
    const action = fc.array(piece, { maxLength: 8 }).map((pieces) => `{{${pieces.join(' ')}}}`);
    const any = fc.oneof(
      soup,
      action,
      fc.string({ unit: 'binary' }),
      fc.tuple(action, soup).map((both) => both.join('')),
    );
    fc.assert(
      fc.property(any, (template) => {
        try {
          expect(typeof renderTemplate(template, kinds)).toBe('string');
        } catch (error) {
          expect(isMachineError(error, 'MM_TEMPLATE'), `${template}: ${String(error)}`).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('change what has no action in it, nor the value of a quoted string', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        fc.pre(!text.includes('{{') && !/\\[tn]/.test(text));
        expect(renderTemplate(text, {})).toBe(text);
        const go = JSON.stringify(text).replace(/\\u(d[89a-f]..)/gi, '\\ufffd');
        expect(renderTemplate(`{{${go.replaceAll('\\/', '/')}}}`, {})).toBe(text);
        expect(renderTemplate('{{.V}}|{{index . "V"}}|{{json .V | len}}', { V: text })).toMatch(/\|\d+$/);
        expect(renderTemplate('{{.V}}', { V: text })).toBe(text);
      }),
    );
  });
});
