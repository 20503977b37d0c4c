import { describe, expect, it } from 'vitest';
import { renderEnv } from '../../../../src/cli/shells/render-env.ts';
import { shellNamed, shellNames } from '../../../../src/cli/shells/syntaxes.ts';

const sets = [
  { name: 'DOCKER_TLS_VERIFY', value: '1' },
  { name: 'DOCKER_HOST', value: 'tcp://192.0.2.10:2376' },
];
const argv = ['mymachine', 'env', 'host1'];
const line = (shell: string, value: string) => renderEnv(shell, [{ name: 'K', value }], [], []).trimEnd();

describe('env for plain values', () => {
  it("is docker-machine's text, to the byte", () => {
    const posix = [
      'export DOCKER_TLS_VERIFY="1"',
      'export DOCKER_HOST="tcp://192.0.2.10:2376"',
      '# Run this command to configure your shell: ',
      '# eval $(mymachine env host1)',
      '',
    ].join('\n');
    for (const shell of ['bash', 'zsh', 'sh', 'unheard-of'])
      expect(renderEnv(shell, sets, [], argv)).toBe(posix);
    expect(renderEnv('fish', sets, [], argv)).toBe(
      'set -gx DOCKER_TLS_VERIFY "1";\nset -gx DOCKER_HOST "tcp://192.0.2.10:2376";\n' +
        '# Run this command to configure your shell: \n# eval (mymachine env host1)\n',
    );
    expect(renderEnv('powershell', sets, [], argv)).toBe(
      '$Env:DOCKER_TLS_VERIFY = "1"\n$Env:DOCKER_HOST = "tcp://192.0.2.10:2376"\n' +
        '# Run this command to configure your shell: \n# & mymachine env host1 | Invoke-Expression\n',
    );
    expect(renderEnv('cmd', sets, [], argv)).toBe(
      'SET DOCKER_TLS_VERIFY=1\nSET DOCKER_HOST=tcp://192.0.2.10:2376\n' +
        'REM Run this command to configure your shell: \nREM \t@FOR /f "tokens=*" %i IN (\'mymachine env host1\') DO @%i\n',
    );
    expect(renderEnv('tcsh', sets, [], argv)).toBe(
      'setenv DOCKER_TLS_VERIFY "1";\nsetenv DOCKER_HOST "tcp://192.0.2.10:2376";\n' +
        ': Run this command to configure your shell: \n: eval `mymachine env host1`\n',
    );
    expect(renderEnv('emacs', sets, [], argv)).toBe(
      '(setenv "DOCKER_TLS_VERIFY" "1")\n(setenv "DOCKER_HOST" "tcp://192.0.2.10:2376")\n' +
        ';; Run this command to configure your shell: \n' +
        ';; (with-temp-buffer (shell-command "mymachine env host1" (current-buffer)) (eval-buffer))\n',
    );
  });

  it('is the like for the shells docker-machine did not know', () => {
    expect(renderEnv('nushell', sets, ['OLD'], argv)).toBe(
      '{\n  "DOCKER_TLS_VERIFY": "1",\n  "DOCKER_HOST": "tcp://192.0.2.10:2376",\n  "OLD": null\n}\n' +
        '# Run this command to configure your shell: \n# mymachine env host1 | from nuon | load-env\n',
    );
    expect(renderEnv('elvish', sets.slice(0, 1), ['OLD'], argv)).toBe(
      'set E:DOCKER_TLS_VERIFY = "1"\nunset-env OLD\n' +
        '# Run this command to configure your shell: \n# eval (mymachine env host1 | slurp)\n',
    );
  });

  it('takes the variables of TLS away for a machine that is reached through SSH, and says what is to be done', () => {
    const host = [{ name: 'DOCKER_HOST', value: 'ssh://ubuntu@192.0.2.10' }];
    const render = (shell: string) =>
      renderEnv(
        shell,
        host,
        ['DOCKER_TLS_VERIFY', 'DOCKER_CERT_PATH'],
        [],
        ["It's Include /store/ssh_config"],
      );
    expect(render('bash')).toBe(
      'export DOCKER_HOST="ssh://ubuntu@192.0.2.10";\nunset DOCKER_TLS_VERIFY;\nunset DOCKER_CERT_PATH;\n' +
        "# It's Include /store/ssh_config\n",
    );
    expect(render('fish')).toBe(
      'set -gx DOCKER_HOST "ssh://ubuntu@192.0.2.10";\nset -e DOCKER_TLS_VERIFY;\nset -e DOCKER_CERT_PATH;\ntrue;\n' +
        "# It's Include /store/ssh_config\n",
    );
    expect(render('powershell')).toBe(
      '$Env:DOCKER_HOST = "ssh://ubuntu@192.0.2.10"\nRemove-Item Env:\\\\DOCKER_TLS_VERIFY -ErrorAction Ignore\n' +
        "Remove-Item Env:\\\\DOCKER_CERT_PATH -ErrorAction Ignore\n# It's Include /store/ssh_config\n",
    );
    expect(render('cmd')).toBe(
      'SET DOCKER_HOST=ssh://ubuntu@192.0.2.10\nSET DOCKER_TLS_VERIFY=\nSET DOCKER_CERT_PATH=\n' +
        "REM It's Include /store/ssh_config\n",
    );
    expect(render('tcsh')).toBe(
      'setenv DOCKER_HOST "ssh://ubuntu@192.0.2.10";\nunsetenv DOCKER_TLS_VERIFY;\nunsetenv DOCKER_CERT_PATH;\n' +
        ": 'It'\\''s Include /store/ssh_config'\n",
    );
    expect(render('emacs')).toBe(
      '(setenv "DOCKER_HOST" "ssh://ubuntu@192.0.2.10")\n(setenv "DOCKER_TLS_VERIFY" nil)\n' +
        '(setenv "DOCKER_CERT_PATH" nil)\n;; It\'s Include /store/ssh_config\n',
    );
    expect(render('nushell')).toBe(
      '{\n  "DOCKER_HOST": "ssh://ubuntu@192.0.2.10",\n  "DOCKER_TLS_VERIFY": null,\n  "DOCKER_CERT_PATH": null\n}\n' +
        "# It's Include /store/ssh_config\n",
    );
    expect(render('elvish')).toBe(
      'set E:DOCKER_HOST = "ssh://ubuntu@192.0.2.10"\nunset-env DOCKER_TLS_VERIFY\nunset-env DOCKER_CERT_PATH\n' +
        "# It's Include /store/ssh_config\n",
    );
  });

  it('unsets as docker-machine did, and without failing where there is nothing to unset', () => {
    const unset = (shell: string) => renderEnv(shell, [], ['K'], []);
    expect(['bash', 'fish', 'powershell', 'cmd', 'tcsh', 'emacs'].map(unset)).toEqual([
      'unset K\n',
      'set -e K;\ntrue;\n',
      'Remove-Item Env:\\\\K -ErrorAction Ignore\n',
      'SET K=\n',
      'unsetenv K;\n',
      '(setenv "K" nil)\n',
    ]);
  });

  it('keeps paths of Windows plain where a backslash is nothing special', () => {
    const path = 'C:\\Users\\Ann Lee\\.docker\\machine';
    expect(line('powershell', path)).toBe(`$Env:K = "${path}"`);
    expect(line('cmd', path)).toBe(`SET K=${path}`);
    expect(line('bash', path)).toBe(`export K='${path}'`);
  });
});

describe('env for values that are not plain', () => {
  it('escapes them as PowerShell, cmd and Emacs want it', () => {
    expect(line('powershell', '$x `id` "q" it\u2019s')).toBe('$Env:K = \'$x `id` "q" it\u2019\u2019s\'');
    expect(line('powershell', 'a\nb')).toBe("$Env:K = ('a' + [char]10 + 'b')");
    expect(line('cmd', 'a & b')).toBe('SET "K=a & b"');
    expect(line('emacs', 'a"b\\c\nd')).toBe('(setenv "K" "a\\"b\\\\c\nd")');
  });

  it('says so when a shell has no way to write one', () => {
    expect(() => line('cmd', 'a\nb')).toThrow(expect.objectContaining({ code: 'MM_SHELL_VALUE' }));
    for (const shell of shellNames) {
      expect(() => line(shell, 'a\0b')).toThrow(expect.objectContaining({ code: 'MM_SHELL_VALUE' }));
      expect(() => renderEnv(shell, [], ['x; rm -rf ~'], [])).toThrow(/cannot hold/);
    }
  });

  it('never lets an argument out of the hint', () => {
    for (const shell of shellNames) {
      const text = renderEnv(
        shell,
        [],
        [],
        ['/opt/my tools/mymachine', '-s', 'a\nrm -rf ~\n', 'env', 'h1; $(x)'],
      );
      const body = text.split('\n').filter((one) => one !== '{' && one !== '}' && one !== '');
      expect(body, shell).toHaveLength(2);
      for (const one of body) expect(one).toMatch(/^(#|REM|:|;;) /);
      expect(text).toContain(
        shell === 'emacs' ? '\\"/opt/my tools/mymachine\\" -s' : '"/opt/my tools/mymachine" -s',
      );
    }
    expect(renderEnv('bash', [], [], ['m', 'h1; $(x)'])).toContain("# eval $(m 'h1; $(x)')");
  });
});

describe('a shell', () => {
  it('is known by name, path, login name and nickname', () => {
    expect(
      ['/bin/bash', '-zsh', 'C:\\Program Files\\PowerShell\\7\\pwsh.exe', 'dash', 'nu', 'CMD.EXE'].map(
        shellNamed,
      ),
    ).toEqual(['bash', 'zsh', 'powershell', 'sh', 'nushell', 'cmd']);
    expect([shellNamed('xonsh'), shellNamed(''), shellNamed('constructor')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});
