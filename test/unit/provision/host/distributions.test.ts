import { describe, expect, it } from 'vitest';
import { isMachineError } from '../../../../src/base/machine-error.ts';
import { findDistribution, osLabel, parseOsRelease } from '../../../../src/provision/host/distributions.ts';

describe('os-release', () => {
  it('reads quotes, escapes, comments, equals signs in values and the last of two assignments', () => {
    const os = parseOsRelease(
      [
        '# comment=1',
        'ID=other',
        `ID="debian"`,
        `VERSION_ID='12'`,
        'VERSION_CODENAME=bookworm',
        'PRETTY_NAME="A \\"quoted\\" \\$name \\\\ \\`x\\`"',
        'HOME_URL="https://www.debian.org/?a=b&c=d"',
        'ID_LIKE="rhel fedora"',
        'not an assignment',
      ].join('\n'),
    );
    expect(os).toEqual({
      id: 'debian',
      idLike: ['rhel', 'fedora'],
      versionId: '12',
      codename: 'bookworm',
      prettyName: 'A "quoted" $name \\ `x`',
    });
  });

  it.each([
    ['ID=debian\nVERSION_ID="13"', 'debian 13'],
    ['ID=debian\nVERSION_CODENAME=forky', 'debian forky'],
    ['ID=ubuntu\nVERSION_ID="24.04"', 'ubuntu 24.04'],
    ['ID=ubuntu\nVERSION_ID="20.04"', 'ubuntu 20.04'],
  ])('provisions %j', (text, label) => {
    const os = parseOsRelease(text);
    expect(findDistribution(os, true).id).toBe(os.id);
    expect(osLabel(os)).toBe(label);
  });

  it.each([
    ['ID=alpine\nVERSION_ID=3.20', /ID=alpine VERSION_ID=3\.20/],
    ['ID=debian\nVERSION_ID=9', /ID=debian VERSION_ID=9/],
    ['ID=ubuntu\nVERSION_ID=18.04', /18\.04/],
    ['', /ID=linux/],
    ['ID="\u001b[31mx"', /ID=x\)/],
  ])('refuses %j and says what it is and what would do', (text, shown) => {
    try {
      findDistribution(parseOsRelease(text), true);
    } catch (error) {
      if (!isMachineError(error, 'MM_PROVISION_UNSUPPORTED')) throw error;
      expect(error.message).toMatch(shown);
      expect(error.hint).toContain('Debian 12 or newer, Ubuntu 20.04 or newer');
      return;
    }
    expect.unreachable();
  });

  it('refuses a host without systemd', () => {
    expect(() => findDistribution(parseOsRelease('ID=debian\nVERSION_ID=12'), false)).toThrow(
      /does not run systemd/,
    );
  });
});
